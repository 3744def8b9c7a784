// Package foreign reads which registries the configuration of other tools names: npm, yarn, bun,
// pnpm, pip, uv, NuGet and cargo. It proposes entries, says where their credentials are, and which
// secrets stand in the files as plain text.
//
// Nothing is run and nothing is asked; no secret leaves the package, but as a place and a mask. What a
// tool's file says that has no counterpart here is left out: this is for moving to Pantry, not for
// imitating the tool.
package foreign
