// Package vm boots a Linux kernel in QEMU with a program of ours as its first
// process, and gives its caller a byte stream to it.
//
// The machine is microvm without firmware, disk or network card: a vmlinux that
// QEMU starts by PVH, an initramfs and two serial ports. The first port is the
// kernel's console, kept in part; the second one is the bell of a mailbox in the
// guest's memory, which is a memfd that this process maps too. It is emulated
// (TCG) unless KVM has proven that it works here. The recipe was measured over
// some 400 boots: each odd word of it avoids a hang or saves time, and says so.
//
// QEMU gets files as open descriptors, so it needs no right to any path: started
// by root it runs as nobody, under its own seccomp filter.
package vm
