// Package config reads what a user configured, from everywhere it may stand, and says where each
// value came from.
//
// [Load] puts layers on each other, later ones win: what is built in, the user's pantry.json, the
// .npmrc files of user and project (with npm_config_* variables), the project's pantry.json,
// PANTRY_* variables, flags. Registries of different layers are merged by name and key by key.
// [Config.Show] lists every effective value with its origin.
//
// All mistakes are found in one run and come back together as [Problems], each with file, line
// and column. Nothing is ignored silently: an unknown key is a mistake, with the nearest key that
// exists.
//
// A credential stays with the place it was given for: an entry that leads a registry to another
// origin does not take along what an earlier layer gave for the old one, and the user's own
// credentials do not go through a proxy at which a project could read along. Both are warned of.
//
// These variables set what is configured, besides npm's own (npm_config_registry and the like):
//
//	PANTRY_CONFIG           a file to read in the place of the user's pantry.json
//	PANTRY_REGISTRY         defaultRegistry: a name, or the URL of the registry npm
//	PANTRY_FALLBACK         fallback
//	PANTRY_LINKER           linker
//	PANTRY_ISOLATED_STORE   isolatedStore
//	PANTRY_PRIVATE_COPIES   privateCopies, separated by commas
//	PANTRY_STORE_DIR        storeDir
//	PANTRY_CACHE_DIR        cacheDir
//	PANTRY_OFFLINE          offline
//	PANTRY_FROZEN_LOCKFILE  frozenLockfile
//	PANTRY_OMIT             omit, separated by commas
//	PANTRY_CONCURRENCY      concurrency
//
// Variables (${VAR}) are not expanded here: package registry does so when a registry is first
// needed, so that a secret that nobody needs is never read. Only the settings of .npmrc are, by
// npm's rules.
//
// [Editor] changes a pantry.json in place and keeps its comments, order and indentation.
//
// Nothing below this package imports it: it fills the options of the packages below.
package config
