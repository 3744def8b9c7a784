// Package link lays a lockfile's packages out on disk as a node_modules.
//
// [Hoist] decides where everything stands and is pure. [Apply] makes a project's node_modules so,
// from the files of the store. It never sees a registry or a range. [Isolate] and [ApplyIsolated] are the
// same for a layout in which every package stands alone, in the store or in the project, with links to
// exactly what it needs; [ApplyTop] lays out such a one again without the lockfile.
//
// A node_modules that is not there yet, or was made by something else, is built aside and renamed
// into place whole. One that Pantry made is changed package by package: each, with what is nested in
// it, is built aside and exchanged in one step, so that no package is ever half there. What was laid
// out is recorded in node_modules/.pantry/layout; while something changes, the record says of it
// only that Pantry put it there, so that the next Apply finishes what was begun or goes back.
//
// Links that a user put in the place of packages or their folders are replaced and never followed.
package link
