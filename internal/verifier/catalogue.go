package verifier

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/asm"
)

// A cause is a way to be refused that people meet. In why and fix, $1 and $2
// stand for what the expression's groups matched.
type cause struct {
	match    *regexp.Regexp
	why, fix string
	// remark is set for lines that follow the one that says more.
	remark bool
}

// lookup returns the first cause that a line matches.
func lookup(line string) (*cause, []string) {
	for i := range causes {
		if m := causes[i].match.FindStringSubmatch(line); m != nil {
			return &causes[i], m
		}
	}
	return nil, nil
}

// explain fills the groups of a match into the words.
func (c *cause) explain(match []string) (why, fix string) {
	pairs := []string{}
	for i := len(match) - 1; i > 0; i-- {
		pairs = append(pairs, "#$"+strconv.Itoa(i), helperName(match[i]), "$"+strconv.Itoa(i), match[i])
	}
	r := strings.NewReplacer(pairs...)
	return r.Replace(c.why), r.Replace(c.fix)
}

// helperName turns the number of a helper function into its name.
func helperName(digits string) string {
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return "a helper"
	}
	name, ok := strings.CutPrefix(asm.BuiltinFunc(n).String(), "Fn")
	if !ok {
		return "helper number " + digits
	}
	var b strings.Builder
	b.WriteString("bpf")
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// causes is ordered: what is special stands before what is general.
var causes = []cause{
	{
		match: regexp.MustCompile(`invalid mem access '\w*_or_null_?'`),
		why:   "the pointer may be NULL here: a lookup or a reservation can fail, and no test comes before this use",
		fix:   "test the pointer before it is used: if (!p) return 0;",
	},
	{
		match: regexp.MustCompile(`pointer arithmetic on \w+_or_null prohibited`),
		why:   "an offset is added to a pointer that may be NULL",
		fix:   "test the pointer before doing arithmetic with it: if (!p) return 0;",
	},
	{
		match: regexp.MustCompile(`invalid mem access '(?:inv|scalar)'`),
		why: "this is a plain number to the verifier, not a pointer it may follow: a kernel or user address read from " +
			"memory, or a packet pointer that a helper call made stale",
		fix: "read kernel memory with BPF_CORE_READ or bpf_probe_read_kernel, user memory with bpf_probe_read_user; after a " +
			"helper that changes the packet load data and data_end again",
	},
	{
		match: regexp.MustCompile(`invalid access to packet`),
		why:   "on this path nothing proves that the packet is long enough for this access",
		fix:   "compare before the access: if (p + sizeof(*p) > data_end) return XDP_PASS;",
	},
	{
		match:  regexp.MustCompile(`offset is outside of the packet`),
		why:    "on this path nothing proves that the packet is long enough for this access",
		fix:    "compare before the access: if (p + sizeof(*p) > data_end) return XDP_PASS;",
		remark: true,
	},
	{
		match: regexp.MustCompile(`pointer arithmetic on pkt_end`),
		why:   "the compiler moved arithmetic to data_end, which may only be compared with",
		fix:   "bound the offset in a variable first, and keep the compiler from folding it (barrier_var)",
	},
	{
		match: regexp.MustCompile(`(R\d) min value is negative`),
		why:   "$1 is a length or an offset that may be negative",
		fix:   "make it unsigned, or mask it right before the use: len &= MASK;",
	},
	{
		match: regexp.MustCompile(`(R\d) unbounded memory access`),
		why:   "$1 is a length or an offset without an upper bound",
		fix:   "clamp it just before the use: if (len > sizeof(buf)) len = sizeof(buf);",
	},
	{
		match: regexp.MustCompile(`math between .* (?:unbounded|is not allowed)|makes \w+ pointer be out of bounds`),
		why:   "a pointer is moved by a value that the verifier cannot bound",
		fix:   "bound the index as an unsigned value or mask it with a power of two minus one before it is added",
	},
	{
		match: regexp.MustCompile(`invalid access to map value, value_size=(\d+) off=(-?\d+)`),
		why:   "the access at offset $2 is outside of the map's value of $1 bytes",
		fix:   "check the index against the size of the value, or make the value larger",
	},
	{
		match: regexp.MustCompile(`write into map forbidden`),
		why:   "the map is read-only for programs: constants live in .rodata",
		fix:   "make the variable non-const, or write to another map",
	},
	{
		match: regexp.MustCompile(`invalid variable-offset (?:read from|write to|indirect access to) stack`),
		why:   "the stack is accessed at an offset that is not known when the program is verified",
		fix:   "mask the index so that it stays inside the array, or keep the array in a map",
	},
	{
		match: regexp.MustCompile(`invalid (?:indirect )?read from stack`),
		why:   "bytes of the stack are read that nothing has written, often the padding of a struct (accepted since Linux 6.3)",
		fix:   "zero the variable first: struct key k = {}; or __builtin_memset(&k, 0, sizeof(k));",
	},
	{
		match: regexp.MustCompile(`tail_calls are not allowed when call stack`),
		why:   "a function with a frame of 256 bytes or more is on the stack when a tail call happens",
		fix:   "make the caller's frame smaller, or do the tail call from the main program",
	},
	{
		match: regexp.MustCompile(`combined stack size of \d+ calls is (\d+)`),
		why:   "the frames of a chain of calls take $1 bytes; 512 are allowed",
		fix:   "keep large variables in a per-CPU array map instead of on the stack",
	},
	{
		match: regexp.MustCompile(`invalid write to stack`),
		why:   "the program's stack has 512 bytes, and this write is beyond them",
		fix:   "keep large variables in a per-CPU array map instead of on the stack",
	},
	{
		match: regexp.MustCompile(`misaligned stack access`),
		why:   "the stack is accessed at an offset that is not a multiple of the access's size",
		fix:   "align the variable, or copy it with __builtin_memcpy",
	},
	{
		match: regexp.MustCompile(`sequence of \d+ jumps is too complex`),
		why:   "there are too many branches to follow on one path",
		fix:   "replace comparisons by masks, loops by bpf_loop (Linux 5.17), or split the program with tail calls",
	},
	{
		match: regexp.MustCompile(`BPF program is too large\. Processed (\d+) insn`),
		why:   "the verifier gave up after $1 instructions: branches inside loops multiply the states it must follow",
		fix:   "use bpf_loop (Linux 5.17) or global functions, which are verified once, and mask instead of branching",
	},
	{
		match: regexp.MustCompile(`infinite loop detected|back-edge from insn`),
		why:   "the verifier sees a loop that makes no progress towards an end",
		fix:   "give the loop a constant bound, or use bpf_loop (Linux 5.17) or bpf_for (Linux 6.4)",
	},
	{
		match: regexp.MustCompile(`Unreleased reference id=\d+ alloc_insn=(\d+)`),
		why:   "a reference or a ring buffer reservation is not given back on this path (it was taken at instruction $1)",
		fix:   "submit, discard or release it on every path, error paths too",
	},
	{
		match:  regexp.MustCompile(`would lead to reference leak`),
		why:    "a reference or a ring buffer reservation is not given back on this path",
		fix:    "submit, discard or release it on every path, error paths too",
		remark: true,
	},
	{
		match: regexp.MustCompile(`unknown#195896080`),
		why:   "a CO-RE relocation found nothing: this kernel has no such field, type or enum value",
		fix:   "guard the access with bpf_core_field_exists() or bpf_core_type_exists()",
	},
	{
		match: regexp.MustCompile(`invalid func unknown#(\d+)`),
		why:   "this kernel does not have #$1, or not for this type of program",
		fix:   "run on a newer kernel, or use another function: ebpfdev verify shows this kernel's release",
	},
	{
		match: regexp.MustCompile(`unknown func (\w+)#\d+|program of this type cannot use helper (\w+)#\d+`),
		why:   "a program of this type may not call $1$2 on this kernel",
		fix:   "call it from another type of program, or use another function",
	},
	{
		match: regexp.MustCompile(`helper call might sleep in a non-sleepable prog`),
		why:   "the function may sleep and the program may not",
		fix:   "make the program sleepable (a section that ends in .s), or use a function that does not sleep",
	},
	{
		match: regexp.MustCompile(`GPL-restricted`),
		why:   "the function is only for programs under a licence compatible with the GPL",
		fix:   `declare one, if it is true: char LICENSE[] SEC("license") = "Dual BSD/GPL";`,
	},
	{
		match: regexp.MustCompile(`invalid bpf_context access off=(\d+) size=(\d+)`),
		why: "the context may not be accessed at offset $1 with $2 bytes: a field that programs of this type cannot use, or " +
			"one of another width",
		fix: "read the whole field, and only fields that this type of program may use; the context is mostly read-only",
	},
	{
		match: regexp.MustCompile(`At (?:program exit|callback return) the register R0 `),
		why:   "the value returned is not one that this type of program may return",
		fix:   "return a constant, or clamp the value to the range that the message names",
	},
	{
		match: regexp.MustCompile(`dereference of modified ctx ptr`),
		why:   "the pointer to the context was changed before it was followed",
		fix:   "access the context with constant offsets only; keep the compiler from adding to it (barrier_var)",
	},
	{
		match: regexp.MustCompile(`spin_unlock is missing|while holding a lock|spin_lock-ed region`),
		why:   "a spin lock is held where it must not be",
		fix:   "unlock on every path before returning, and call no functions while the lock is held",
	},
	{
		match: regexp.MustCompile(`last insn is not an exit`),
		why:   "the program can run past its end: a missing return, or a panic path in Rust",
		fix:   "return on every path; in Rust use checked access (get) so that nothing can panic",
	},
	{
		match: regexp.MustCompile(`unreachable insn`),
		why:   "some instructions can never run",
		fix:   "remove the dead code, or compile with -O2",
	},
	{
		match: regexp.MustCompile(`(R\d+) !read_ok`),
		why:   "$1 is read before anything was written to it: an uninitialised variable, or no return value",
		fix:   "initialise the variable; return a value on every path",
	},
	{
		match: regexp.MustCompile(`(?:bitwise operator .* on pointer|32-bit pointer arithmetic|arithmetic .* on pointer) prohibited`),
		why:   "a pointer is calculated with in a way that would lose what the verifier knows about it",
		fix:   "calculate with an offset, and add it to the pointer as a 64-bit value",
	},
	{
		match: regexp.MustCompile(`Expected an initialized dynptr`),
		why:   "a dynptr is used before it was made, or after it was given back",
		fix:   "make it with bpf_dynptr_from_mem or bpf_ringbuf_reserve_dynptr and check the result",
	},
	{
		match: regexp.MustCompile(`(R\d) type=(\w+) expected=`),
		why:   "an argument ($1) has the type $2, which the called function does not take",
		fix:   "pass a pointer to the stack, to a map value or to the packet, as the message lists",
	},
	{
		match: regexp.MustCompile(`bad address.*verifier bug`),
		why:   "the verifier gave up and its log was lost, mostly because there are more than 8192 branches to follow",
		fix:   "replace comparisons by masks, loops by bpf_loop (Linux 5.17), or split the program with tail calls",
	},
}
