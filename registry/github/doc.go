// Package github reads programs from the releases of GitHub repositories, as packages called
// OWNER/REPO. [New] is a client of GitHub's REST API, that of github.com or of a GitHub Enterprise
// Server.
//
// A version is a release, by its tag: v1.2.3, 1.2.3 and REPO-1.2.3 are 1.2.3. Where a repository
// releases several things under tags of their own (kustomize/v5.4.2 beside api/v0.17.0), only
// those of one prefix are its versions: those without one or with the repository's name, else
// those of the release that GitHub calls the latest, else of the newest; [Options.TagPrefix] says
// otherwise. Releases of other prefixes can be had by their whole tag. A tag without a version in
// it is a version by its whole name (nightly). Drafts are left out. A repository without releases
// has its tags for versions.
//
// The tag "latest" is what GitHub's "releases/latest" says, since maintainers choose that; where
// it says none of the package's versions, it is the highest that is no prerelease, neither by its
// tag nor by GitHub's mark, else the highest.
//
// The artifact of a version is the asset that [Choose] picks by the words in its name, for the
// platform of this machine; the choices for all others are in Metadata.Tool. An asset is verified
// by the digest that GitHub computed when it was uploaded (since the middle of 2025), or else by a
// checksum file beside it, which proves that the bytes are whole, not who made them. One that has
// neither is refused, and so is the source archive of a release without assets, whose bytes GitHub
// may make anew: see [Options.AllowMissingChecksum].
//
// Names with a scope, @OWNER/NAME, are npm packages in GitHub Packages. They are left to a
// registry of npm's protocol, [Options.Packages].
//
// GitHub counts requests, 60 an hour for those who have no token. A package costs three: its
// releases, the latest one, and the repository's description; one version costs two. Answers are
// kept in memory with their ETag, and asking whether they are still true costs nothing for those
// who have a token. The bytes of assets are not counted, except when a token is configured: then
// they are asked for at the API, since those of private repositories are nowhere else.
package github
