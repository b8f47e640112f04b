// Package testrun runs a loaded program with inputs of one's own, by the kernel's
// BPF_PROG_TEST_RUN.
package testrun
