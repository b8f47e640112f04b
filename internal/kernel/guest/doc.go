// Package guest is what runs inside a machine that package vm boots: the first
// process of a kernel that has no other user space. Init mounts what eBPF needs
// and is the parent of everything; a child of it meets the host through a Mailbox,
// again and again. Both are this very program.
package guest

// Words of the ready line, which the guest prints on the second serial port when
// its mailbox can be used:
//
//	ebpfdev mailbox 1a0+200,7f00+1
//
// A run is a page frame number and a count of pages, both hexadecimal.
const readyWords = "ebpfdev mailbox "

// Line is the second serial port; the first one is the kernel's console.
const Line = "/dev/ttyS1"

// pages is how many pages the mailbox has: the head and 2 MiB each way.
const pages = 1 + 2*512

// maxRuns bounds what a host reads of a ready line.
const maxRuns = 4096
