// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

//go:generate go tool bpf2go -target $GOARCH calls bpf/calls.bpf.c -- -Wall -Werror

// Usage is what a process has called.
type Usage struct {
	PID   int    `json:"pid"`
	Comm  string `json:"comm"`
	Calls uint64 `json:"calls"`
	Bytes uint64 `json:"bytes"` // the sum of the first argument, which is malloc's size
}

// Counter counts the calls of a function by process.
type Counter struct {
	objects callsObjects
	links   []link.Link
}

// NewCounter loads the BPF program, for one process or, with 0, for all. Needs
// root and Linux 5.9.
func NewCounter(pid int) (*Counter, error) {
	// Only kernels before 5.11 count BPF memory against this limit.
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("memory limit: %w", err)
	}
	spec, err := loadCalls()
	if err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	if err := spec.Variables["only_pid"].Set(uint32(pid)); err != nil {
		return nil, fmt.Errorf("variable only_pid: %w", err)
	}
	c := &Counter{}
	if err := spec.LoadAndAssign(&c.objects, nil); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return c, nil
}

// Attach counts a function's calls from now on. The function is in a library or
// a program, which is given by its path or, for a library, its name.
func (c *Counter) Attach(file, symbol string) error {
	path, err := find(file)
	if err != nil {
		return err
	}
	executable, err := link.OpenExecutable(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	l, err := executable.Uprobe(symbol, c.objects.OnCall, nil)
	if errors.Is(err, link.ErrNoSymbol) {
		return fmt.Errorf("%s has no function %s; `nm -D %s` lists those that it has", path, symbol, path)
	}
	if err != nil {
		return fmt.Errorf("attach to %s of %s: %w", symbol, path, err)
	}
	c.links = append(c.links, l)
	return nil
}

// find returns a library's path; what has a slash in it is one already.
func find(file string) (string, error) {
	if strings.Contains(file, "/") {
		return file, nil
	}
	// Debian and Ubuntu have a folder for each architecture.
	debian := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	for _, dir := range []string{"/lib/" + debian, "/usr/lib/" + debian, "/lib64", "/usr/lib64", "/lib", "/usr/lib"} {
		path, err := filepath.EvalSymlinks(filepath.Join(dir, file))
		if err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("library %s: not found; give its path", file)
}

// Top returns the n processes that called most often, most first.
func (c *Counter) Top(n int) ([]Usage, error) {
	var (
		list  []Usage
		key   callsCaller
		value callsUsage
	)
	entries := c.objects.Calls.Iterate()
	for entries.Next(&key, &value) {
		list = append(list, Usage{PID: int(key.Pid), Comm: text(key.Comm[:]), Calls: value.Calls, Bytes: value.Bytes})
	}
	// A map that changes all the time may cut an iteration short.
	if err := entries.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		return nil, fmt.Errorf("map calls: %w", err)
	}
	slices.SortFunc(list, func(a, b Usage) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.PID, b.PID))
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
