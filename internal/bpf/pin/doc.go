// Package pin keeps what a load made alive in the BPF file system, and takes it
// away again.
//
// Everything of one project is under <bpffs>/ebpfdev/<project>:
//
//	programs/NAME  maps/NAME  links/NAME   the pins
//	ids/KIND-NAME                          symbolic links to "ID TAG"
//
// A pin is removed only when what it holds has the id, and for programs the
// tag, that was recorded when it was made: a pin that somebody replaced is
// somebody else's. The record lives and dies with the file system, so that
// there is no state to go stale. bpffs forbids dots in names; names are escaped
// as in URLs.
package pin
