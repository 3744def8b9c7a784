// Package directory is a registry in a folder: packages of every type with all that is known of
// them, for places without a network and for keeping.
//
//	pantry-directory.json                    says that this is one, and which version of the layout
//	packages/NAME/versions/VERSION.json      a [Record]: metadata, the registry's own document, attestations
//	packages/NAME/tags.json                  {"latest": "1.0.0"}
//	artifacts/sha512/ab/abcd…                bytes, by their SHA-512 in hexadecimal
//	tmp/, lock                               of writers
//
// NAME and VERSION are written so that file systems of every kind tell them apart: a capital is
// "!" and the small letter, and what is not a letter, a digit or one of "-._+~@" is "%" and two
// hexadecimal digits. A scope's slash is "%2f".
//
// A file appears whole, by rename, after what it refers to: whoever reads never sees half of
// something, and a writer that was killed leaves nothing but files in tmp, which the next writer
// removes. Versions are files of their own, so that adding the thousandth costs what adding the
// first did. A version's bytes never change; what is said about them may (a deprecation).
//
// The layout is read from any [fs.FS] ([Read]), a zip archive for instance, and written to a folder
// ([Open]). A database in one file, which would need no folder, was not taken: folders are what
// people copy, check in, and serve.
package directory
