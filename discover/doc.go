// Package discover finds registries that somebody says are there, and proposes them: none is used
// before a person said yes.
//
// A host says so in a document at a well-known place (see [Document], and docs/discovery.md for the
// format), or leads to it by a DNS record; [Ask] asks it, and [Handler] answers. What other tools
// have in their files is read by package foreign, below this one. Wherever a proposal comes from,
// [Judge] compares it with what is configured.
//
// Who may change a document may propose anything, so a proposal never brings a credential along, and
// never chooses the variable that one is read from; what of it concerns trust (another host, names
// claimed, being asked before others) is said beside it.
package discover
