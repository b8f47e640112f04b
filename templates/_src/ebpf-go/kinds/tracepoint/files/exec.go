// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"
)

//go:generate go tool bpf2go -target bpfel -type event exec bpf/exec.bpf.c -- -Wall -Werror

// Exec is a program that has been started.
type Exec struct {
	PID       int      `json:"pid"`
	PPID      int      `json:"ppid"`
	UID       int      `json:"uid"`
	Comm      string   `json:"comm"`
	Filename  string   `json:"filename"`
	Args      []string `json:"args"`
	Truncated bool     `json:"truncated,omitempty"` // some arguments are cut or left out
}

// Count is how often a user has run a command.
type Count struct {
	Comm  string `json:"comm"`
	UID   int    `json:"uid"`
	Execs uint64 `json:"execs"`
}

// Tracer sees every program that starts on this machine. It is for one
// goroutine, except for Stop.
type Tracer struct {
	objects execObjects
	link    link.Link
	reader  *ringbuf.Reader
}

// NewTracer loads the BPF program and attaches it. Needs root and Linux 5.8.
func NewTracer() (*Tracer, error) {
	// Only kernels before 5.11 count BPF memory against this limit.
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("memory limit: %w", err)
	}
	t := &Tracer{}
	if err := loadExecObjects(&t.objects, nil); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	var err error
	if t.reader, err = ringbuf.NewReader(t.objects.Events); err != nil {
		return nil, errors.Join(fmt.Errorf("ring buffer: %w", err), t.Close())
	}
	if t.link, err = link.Tracepoint("sched", "sched_process_exec", t.objects.OnExec, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("attach: %w", err), t.Close())
	}
	return t, nil
}

// Next waits for the next program to start. It returns os.ErrClosed after Stop
// and os.ErrDeadlineExceeded after the deadline; the zero deadline is none.
func (t *Tracer) Next(deadline time.Time) (Exec, error) {
	t.reader.SetDeadline(deadline)
	record, err := t.reader.Read()
	if errors.Is(err, ringbuf.ErrClosed) {
		return Exec{}, os.ErrClosed
	}
	if err != nil {
		return Exec{}, err
	}
	return parse(record.RawSample)
}

// parse decodes a record of the ring buffer.
func parse(raw []byte) (Exec, error) {
	var e execEvent
	if _, err := binary.Decode(raw, binary.NativeEndian, &e); err != nil {
		return Exec{}, fmt.Errorf("event of %d bytes: %w", len(raw), err)
	}
	args := make([]string, min(int(e.ArgsCount), len(e.Args)))
	for i := range args {
		args[i] = text(e.Args[i][:])
	}
	return Exec{
		PID:       int(e.Pid),
		PPID:      int(e.Ppid),
		UID:       int(e.Uid),
		Comm:      text(e.Comm[:]),
		Filename:  text(e.Filename[:]),
		Args:      args,
		Truncated: e.ArgsCut != 0,
	}, nil
}

// text converts a C string.
func text(s []int8) string {
	b := make([]byte, len(s))
	for i, c := range s {
		b[i] = byte(c)
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

// Counts returns what the program has counted so far, in no particular order.
func (t *Tracer) Counts() ([]Count, error) {
	var (
		counts []Count
		key    execCommand
		value  execCount
	)
	entries := t.objects.Execs.Iterate()
	for entries.Next(&key, &value) {
		counts = append(counts, Count{Comm: text(key.Comm[:]), UID: int(key.Uid), Execs: value.Execs})
	}
	if err := entries.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		return nil, fmt.Errorf("map execs: %w", err)
	}
	return counts, nil
}

// Lost returns how many events did not fit into the ring buffer.
func (t *Tracer) Lost() (uint64, error) {
	var lost uint64
	err := t.objects.Lost.Get(&lost)
	return lost, err
}

// Stop makes Next return. It may be called from any goroutine.
func (t *Tracer) Stop() error {
	return t.reader.Close()
}

// Close detaches and unloads the program.
func (t *Tracer) Close() error {
	var errs []error
	if t.link != nil {
		errs = append(errs, t.link.Close())
	}
	if t.reader != nil {
		errs = append(errs, t.reader.Close())
	}
	return errors.Join(append(errs, t.objects.Close())...)
}
