// Package pkgx reads pkgx's bottles: programs that are built for a platform, with the libraries
// they need, as static files.
//
//	GET /pantry.tar.xz, /pantry.tgz                           the recipes, projects/{project}/package.yml
//	GET /{project}/{os}/{arch}/versions.txt                   which versions there are, one a line
//	GET /{project}/{os}/{arch}/v{version}.tar.xz or .tar.gz   a bottle
//	GET ….tar.xz.sha256sum, or v{version}.sha256sum           its checksum
//
// The os is darwin, linux or windows (whose files are below /v2), the arch x86-64 or aarch64. An
// object that is not there is answered 404, or 403 with a document of the storage behind it.
//
// A package is a project: nodejs.org, github.com/owner/name. It is found by that name, by a name
// for people ("Node.js"), or by a program it provides ("node"). The recipes tell this, and what a
// project needs; they are the same for all versions. They are read once, when they are first
// needed. What versions there are is told by versions.txt alone, of each platform for itself.
//
// Versions are not SemVer: see [Compare] and [ParseConstraint]. [Registry.Resolve] turns wishes
// into the bottles to install, and [Env] makes the environment that they run in.
//
// pkgx publishes through its own build service, so there is no publishing here.
package pkgx
