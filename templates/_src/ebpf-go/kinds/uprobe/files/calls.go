// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

// The program reads registers, so it is compiled for this machine's architecture.
//
//go:generate go tool bpf2go -target $GOARCH calls bpf/calls.bpf.c -- -Wall -Werror

// Calls is what one process has called.
type Calls struct {
	PID   int    `json:"pid"`
	Comm  string `json:"comm"`
	Calls uint64 `json:"calls"`
	Bytes uint64 `json:"bytes"`
}

// Counter counts the calls of functions by process.
type Counter struct {
	objects callsObjects
	links   []link.Link
}

// NewCounter loads the BPF program. It adds up the bytes that the functions'
// argument of that number asks for: 1 to 4, or 0 when none does. Needs root and
// Linux 5.8.
func NewCounter(sizeArgument int) (*Counter, error) {
	// Only kernels before 5.11 count BPF memory against this limit.
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("memory limit: %w", err)
	}
	spec, err := loadCalls()
	if err != nil {
		return nil, err
	}
	if err := spec.Variables["size_argument"].Set(uint32(sizeArgument)); err != nil {
		return nil, fmt.Errorf("size argument: %w", err)
	}
	c := &Counter{}
	if err := spec.LoadAndAssign(&c.objects, nil); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return c, nil
}

// Attach counts calls of a function from now on, of one process or, with 0, of
// all. The file is a path or a library's bare name.
func (c *Counter) Attach(file, symbol string, pid int) error {
	path, err := findFile(file)
	if err != nil {
		return err
	}
	executable, err := link.OpenExecutable(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	l, err := executable.Uprobe(symbol, c.objects.OnCall, &link.UprobeOptions{PID: pid})
	if err != nil {
		return fmt.Errorf("attach to %s of %s: %w", symbol, path, err)
	}
	c.links = append(c.links, l)
	return nil
}

// findFile looks for a bare name where libraries are: Debian and its kin have a
// folder for each architecture.
func findFile(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	triplets := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
	for _, dir := range []string{"/usr/lib/" + triplets[runtime.GOARCH], "/lib64", "/usr/lib64", "/lib", "/usr/lib"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("no library %s is found: give its path", name)
}

// Top returns the n processes that called most, most first.
func (c *Counter) Top(n int) ([]Calls, error) {
	list := []Calls{} // not null in JSON
	var (
		key   callsCaller
		value callsCount
	)
	entries := c.objects.Calls.Iterate()
	for entries.Next(&key, &value) {
		list = append(list, Calls{PID: int(key.Pid), Comm: text(key.Comm[:]), Calls: value.Calls, Bytes: value.Bytes})
	}
	// A map that changes all the time may cut an iteration short.
	if err := entries.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		return nil, fmt.Errorf("map calls: %w", err)
	}
	slices.SortFunc(list, func(a, b Calls) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.PID, b.PID), cmp.Compare(a.Comm, b.Comm))
	})
	return list[:min(n, len(list))], nil
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

// Close detaches and unloads the program.
func (c *Counter) Close() error {
	var errs []error
	for _, l := range c.links {
		errs = append(errs, l.Close())
	}
	return errors.Join(append(errs, c.objects.Close())...)
}
