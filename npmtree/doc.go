// Package npmtree builds node_modules as npm builds it: which version stands where, what is shared and
// what is nested, and what is installed because something expects it of its surroundings.
//
// npm does not resolve first and place afterwards. Whether a dependency takes a version that is there
// already, or asks for one of its own, depends on what is visible from where its dependent stands.
// To get npm's versions one has to build npm's tree, so this package does, and knows no registry
// and no lockfile: [Rules] tell it what fits and what to take. Package resolve builds a tree with what
// registries answer, package link with what is locked, and both get the tree npm would have.
//
// The work goes on in rounds. The shallowest package that was not looked at yet, the first by
// name, has its unmet dependencies chosen, each with the peers it brings ([Rules.Choose]), and then
// placed as high as nothing is in the way; what they displace is looked at again.
//
// A Tree is for one goroutine. The same Rules and answers give the same Tree.
package npmtree
