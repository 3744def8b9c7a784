// Package packument keeps packuments, what an npm registry tells about a name, in a compact form:
// in memory while a project is resolved, and in files from one run to the next.
//
// The form holds of each version what an install needs, its members as the registry wrote them
// (what they mean is package npm's affair), each text once however many versions have it, the
// digest as bytes, and the versions in their order, as numbers that are compared without being
// read. Nothing else is decoded before it is asked for. It is a tenth of the document's size.
//
// A [Folder] holds one file for each registry, identity and name. A file is written aside and
// renamed, and carries a checksum: one that is torn or damaged is not there. Any number of
// processes may read and write a folder at once. Files are not synced to the disk, since what is
// lost can be asked for again.
package packument
