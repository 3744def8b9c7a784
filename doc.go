// Package pantry is the vocabulary of the project: what a registry is, what a package and its
// metadata are, where its bytes lie, and which errors decide what happens next.
//
// [Registry] is the one seam. Every registry type reads through it, the manager in package
// registry is made of many, and a server handler serves one. What only some registries can do
// (search, publish, tags, ping) are further small interfaces, found with [As].
//
// The package holds no protocol, no policy and no I/O, so that everything else may import it.
package pantry
