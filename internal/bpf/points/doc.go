// Package points tells whether the places that programs ask to be attached to
// are there: tracepoints in tracefs, functions in the kernel's BTF and in
// /proc/kallsyms, symbols in the files of this machine. It attaches nothing.
//
// A wrong "missing" stops somebody's work, so where a loader might still find
// what this package does not, the answer is "unknown".
package points
