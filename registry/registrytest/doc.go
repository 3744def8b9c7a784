// Package registrytest holds what tests of registries need: a real registry in memory ([Memory])
// and packages to put into it ([Pkg], [FromTxtar]), an HTTP server that misbehaves when told to
// ([Scripted]), and the suites that every registry type passes ([Run], [RunFaults]).
//
// The suites point a type's client at the type's own handler over a Memory, and ask that the pair
// behave like that Memory. Nothing here reaches beyond the loopback interface.
//
// Memory is no mock: it verifies, refuses and orders as a registry does. A test that wants a
// registry to lie puts a Scripted in front of the handler, or announces a false digest with
// [Pkg.Integrity].
package registrytest
