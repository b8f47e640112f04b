// Package bzimage takes the kernel out of a Linux bzImage for x86: the vmlinux
// that the boot code of the image would unpack. QEMU boots it as it is (PVH),
// which saves a guest without hardware acceleration the second that unpacking
// takes.
//
// Images come from outside: sizes are bounded, and what the image says of itself
// is checked before it is believed.
package bzimage
