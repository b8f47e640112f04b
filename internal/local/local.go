// Package local implements api.Target for the kernel this process runs on.
//
// It composes the packages under bpf, one job each, and adds what they share:
// the BTF cache, the loads that live as long as the target, and the rule that
// nothing works after Close. It knows neither containers nor wires: the agent
// serves it inside a container, and the command line uses it directly on a
// Linux host.
package local

import "time"

// DefaultBPFFS is where the BPF file system is mounted by convention.
const DefaultBPFFS = "/sys/fs/bpf"

// DefaultRunDir is where the processes that Load started are written down.
const DefaultRunDir = "/run/ebpfdev"

// Options say how a Target works.
type Options struct {
	// BPFFS is the BPF file system that pins go to; empty for DefaultBPFFS.
	BPFFS string
	// CheckObject is the argv of a program that reads an object file on
	// standard input and exits with 0 when it can be parsed within the limits
	// of object.CheckLimited. With it a hostile file can only kill a child;
	// empty parses in this process.
	CheckObject []string
	// RunDir is where processes that load programs are written down; empty for
	// DefaultRunDir.
	RunDir string
	// KeepProcess is the argv of a program that calls Keep. Without it Load can
	// start no processes.
	KeepProcess []string
	// ProcessWithin is how long such a process may take until it holds programs;
	// 0 is a minute.
	ProcessWithin time.Duration
}
