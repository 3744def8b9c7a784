// Package custom speaks Pantry's REST convention in both directions: [New] is a client of a
// registry that follows it, [Handler] makes one of any [pantry.Registry].
//
//	GET    /packages/{name}                        the default version, tags and versions
//	GET    /packages/{name}/{version}              one version; with ?resolve=1 also by tag or range
//	GET    /packages/{name}/{version}/tarball      its bytes
//	GET    /packages/{name}/versions               {"versions": ["1.0.0", …]}
//	GET    /packages/{name}/tags                   {"tags": {"latest": "1.0.0"}}
//	PUT    /packages/{name}/tags/{tag}             {"version": "1.0.0"}
//	DELETE /packages/{name}/tags/{tag}
//	GET    /search?q=&limit=                       {"results": [{name, version, description}, …]}
//	POST   /packages                               publish; /publish is another name for it
//	GET    /-/info, /-/ping
//
// The first three, versions and search are all that a server needs. The client asks for the rest
// only where it has to, and takes what small servers answer: no tags, versions in any order, npm's
// objects where a string is meant, members nobody knows. What it does not take is a version
// without a usable checksum, unless that is allowed; an answer about another package than the one
// that was asked for; and a success that is a web page.
//
// A name stands in a path as it is written, "@scope/name" as two segments: servers have been seen
// to misread "@scope%2Fname/1.0.0". The handler reads both.
package custom
