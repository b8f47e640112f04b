// Package mailbox is a byte stream in both directions through memory that two
// sides share: a guest kernel's process and the host that runs the machine. A
// serial line moves 270 KB a second in an emulated machine, memory a thousand
// times as much; so bytes go through memory and the line carries only a bell.
//
// The memory is a number of pages that need not be next to each other. The first
// holds the indices, the others two rings, half of them for each direction:
//
//	0    magic
//	64   bytes ever written to the host      128  bytes ever read by the host
//	192  bytes ever written to the guest     256  bytes ever read by the guest
//	320  who waits: a bit for each side's reader and writer
//
// Each index has one writer. Whoever finds nothing to do says in "who waits" that
// it waits, looks once more, and sleeps until the bell; whoever moves an index
// rings when the other side waits. What the other side wrote is checked before it
// is used: a guest can break its own stream, and nothing else.
package mailbox
