// Package maps reads and edits the entries of BPF maps. Scanning, filtering,
// ordering and paging happen here, next to the kernel; what leaves is a page.
package maps
