// Package verify loads programs for the verdict alone.
//
// Each program is loaded by itself, so that one that is refused does not hide
// the others, and nothing is attached. Maps are created once for all programs
// and the kernel's BTF is indexed once: that is what makes an object with many
// of both quick. The figures are those that veristat prints for the same object
// on the same kernel.
package verify
