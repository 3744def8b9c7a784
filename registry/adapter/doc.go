// Package adapter reads registries of protocols that Pantry does not speak itself, in one of two ways.
//
// A [Definition] describes a protocol that answers plain GET requests: a file with URL templates,
// expressions that take metadata out of the answers, and the ecosystem's rules for names and versions.
// Those of PyPI, crates.io, RubyGems and Go's module proxies are built in, as such files and nothing
// else. [New] makes a registry of one.
//
// Anything a file cannot describe can be a program that speaks JSON over its standard input and
// output: [NewProgram]. docs/adapters.md has both formats.
//
// What comes from either side is treated alike: it is bounded, it must be about the package that was
// asked for, its digests must be readable, and its texts are made safe to print.
//
// Expressions are JMESPath. Of the languages that were tried it is the smallest (0.3 MB, and nothing
// to do when a program starts, where a jq costs 0.3 ms), it has a grammar of its own that others
// implement too, and since it has neither loops nor recursion no expression runs away.
package adapter
