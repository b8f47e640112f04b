package api

import (
	"context"
	"time"
)

// Programs runs and measures programs that are loaded.
type Programs interface {
	// RunProgram runs a program once for each input, or more often, as the kernel's
	// BPF_PROG_TEST_RUN does, attached or not: what it writes to maps it really
	// writes. Which inputs a type takes: packets for xdp, tc, cgroup_skb, socket
	// filters and their kin (from 14 bytes, Ethernet's header), a context for
	// raw_tracepoint (its arguments, 8 bytes each; Linux 5.10), syscall (5.14) and
	// sk_lookup; nothing for fentry and fexit.
	// Errors: ErrNotExist, ErrNotSupported (its type cannot be run so), ErrInvalid
	// (the kernel refuses the input), ErrUsage (no input, too often), ErrPermission.
	RunProgram(ctx context.Context, req ProgramRunRequest) (ProgramRunResult, error)

	// MeasurePrograms has the kernel count runs and their time (Linux 5.8; it costs
	// each run some 20 ns) and sends what came in each interval, until the context
	// ends. Nobody else who counts is disturbed.
	// Errors: ErrUsage (the interval), ErrPermission, ErrNotSupported.
	MeasurePrograms(ctx context.Context, req MeasureRequest, fn func(Measurement) error) error
}

// ProgramRunRequest asks for runs of one program.
type ProgramRunRequest struct {
	ProgramID uint32     `json:"prog_id"`
	Inputs    []RunInput `json:"inputs"`           // at least one, which may be empty
	Repeat    int        `json:"repeat,omitempty"` // how often for each input; 0 means once. At most 1e9 runs in all
}

// RunInput is what a program gets.
type RunInput struct {
	Data    Hex `json:"data,omitempty"`    // a packet
	Context Hex `json:"context,omitempty"` // the context's C struct
}

// ProgramRunResult is what the runs gave, one for each input in order.
type ProgramRunResult struct {
	Runs []ProgramRun `json:"runs"`
}

// ProgramRun is the last run with an input.
type ProgramRun struct {
	Return   uint32        `json:"return"`
	Data     Hex           `json:"data,omitempty"`    // the packet as it is then
	Context  Hex           `json:"context,omitempty"` // the context as it is then
	Duration time.Duration `json:"duration_ns"`       // of one run, the mean of all repetitions; 0 where the kernel does not say
}

// MeasureRequest asks for rates.
type MeasureRequest struct {
	List     ListRequest   `json:"list,omitzero"`         // of which programs
	Interval time.Duration `json:"interval_ns,omitempty"` // at least 100 ms; 0 means 1 s
}

// Measurement is what happened in one interval.
type Measurement struct {
	Time     time.Time     `json:"time"`
	Interval time.Duration `json:"interval_ns"` // as it really was
	Programs []ProgramRate `json:"programs"`    // by id; those that were loaded meanwhile count from then on
}

// ProgramRate is how busy a program was.
type ProgramRate struct {
	ID      uint32        `json:"id"`
	Type    string        `json:"type"`
	Name    string        `json:"name"`
	Project string        `json:"project,omitempty"`
	Runs    uint64        `json:"runs"`            // in the interval
	PerSec  float64       `json:"runs_per_second"` //
	Average time.Duration `json:"average_ns"`      // of one run; 0 without runs
	CPU     float64       `json:"cpu"`             // share of one processor's time: 0.5 is half of it
	Misses  uint64        `json:"recursion_misses,omitempty"`
	Memory  uint64        `json:"bytes_memlock"` // of the program and the maps that it uses
	MapIDs  []uint32      `json:"map_ids,omitempty"`
}
