// Package inspect lists what the kernel holds: programs, maps and links,
// whoever made them.
//
// A listing is never a snapshot: ids come and go while it is made, and one that
// vanishes before it is read is left out. What would need one look per object
// (who holds it open, where it is pinned) is collected in one walk for all.
package inspect
