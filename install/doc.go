// Package install drives the line from a manifest to a node_modules:
//
//	manifest -> resolve -> lockfile -> fetch -> store -> link
//
// The stages overlap: an artifact is fetched and unpacked into the store as soon as its package is
// chosen, while the rest is still being resolved. A project's node_modules is only changed once
// everything it needs is in the store; then the lockfile and the manifest are written, each whole.
// What fails before leaves the project as it was, and what is interrupted later is finished by the
// next run.
//
// Scripts of dependencies are not run.
package install
