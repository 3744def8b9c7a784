// Package registry holds the registries a person configured and decides which of them is asked
// for a package, in which order, and what a failing one means.
//
// A [Manager] asks its enabled registries in the order of their priority. What happens after an
// answer depends on the class of that answer ([Outcome]) and on the mode of the registry that
// gave it ([Fallback]):
//
//	answer               failover    always      not-found  never
//	found                done        done        done       done
//	name-not-found       next        next        next       stop
//	version-not-found    stop        warn, next  stop       stop
//	denied-anonymous     next        next        stop       stop
//	denied-credential    stop        warn, next  stop       stop
//	unavailable          warn, next  warn, next  stop       stop
//	invalid              warn, next  warn, next  stop       stop
//	integrity            stop        stop        stop       stop
//	failed               stop        stop        stop       stop
//
// A registry may claim names ([Config].Packages). A claimed name is asked of the registries that
// claim it and of nobody else, in every mode and by every method.
//
// Decisions are values: every question returns a [Decision] that says who was asked, who was
// passed over and why, and who answered. Errors carry the same value ([LookupError]).
//
// Trying every registry on every failure, which is simpler, is not the default: a private
// registry that is down, or refuses an expired token, would hand its names to a public one.
package registry
