// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A program that starts is counted: all of them call malloc.
func TestCountsEveryProcess(t *testing.T) {
	needRoot(t)
	c := newCounter(t, 1)
	attach(t, c, "libc.so.6", "malloc", 0)
	first, second := newShell(t), newShell(t)
	first.run("x=$(sort /etc/passwd)")
	second.run("x=$(sort /etc/passwd)")

	got := callers(t, c)
	for _, comm := range []string{"sh", "sort"} {
		if n := len(got[comm]); n < 2 {
			t.Errorf("%d processes %s are counted, want at least 2: %v", n, comm, got)
		}
		for _, g := range got[comm] {
			if g.Calls == 0 || g.Bytes < g.Calls {
				t.Errorf("got %+v", g)
			}
		}
	}
}

// Of two processes that both call, only the chosen one is counted.
func TestCountsOneProcess(t *testing.T) {
	needRoot(t)
	c := newCounter(t, 1)
	chosen, other := newShell(t), newShell(t)
	attach(t, c, "libc.so.6", "malloc", chosen.pid)
	other.run("x=$(sort /etc/passwd)")
	if got := top(t, c); len(got) > 0 {
		t.Fatalf("another process is counted: %v", got)
	}
	chosen.run("x=" + strings.Repeat("x", 5000)) // more than fits into what the shell has
	got := top(t, c)
	if len(got) != 1 || got[0].Comm != "sh" || got[0].Bytes < 5000 {
		t.Fatalf("got %+v", got)
	}
	if wholeMachine(t) && got[0].PID != chosen.pid {
		t.Errorf("got pid %d, want %d", got[0].PID, chosen.pid)
	}
}

// Bytes come from the argument that is said to have them, or from none.
func TestAddsUpAnArgument(t *testing.T) {
	needRoot(t)
	const line = "written at once"
	// write(file, buffer, size)
	for argument, want := range map[int]uint64{0: 0, 3: uint64(len(line + "\n"))} {
		c := newCounter(t, argument)
		sh := newShell(t)
		attach(t, c, "libc.so.6", "write", sh.pid)
		sh.send("echo '" + line + "'")
		sh.expect(line)
		got := top(t, c)
		if len(got) != 1 || got[0].Calls != 1 || got[0].Bytes != want {
			t.Errorf("argument %d: got %+v, want 1 call, %d bytes", argument, got, want)
		}
	}
}

func TestAttachRefuses(t *testing.T) {
	needRoot(t)
	c := newCounter(t, 1)
	for file, symbol := range map[string]string{
		"libc.so.6": "no_such_function", "libnone.so.6": "malloc", "/no/such/file": "malloc", "/etc/passwd": "malloc",
	} {
		if err := c.Attach(file, symbol, 0); err == nil || !strings.Contains(err.Error(), filepath.Base(file)) {
			t.Errorf("%s of %s: got %v", symbol, file, err)
		}
	}
}

func TestFindFile(t *testing.T) {
	if got, err := findFile("a/path"); got != "a/path" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for _, name := range []string{"libnone.so.6", ""} {
		if got, err := findFile(name); err == nil {
			t.Errorf("%q: got %q", name, got)
		}
	}
}

// What a process calls itself must not control the terminal.
func TestTable(t *testing.T) {
	var out bytes.Buffer
	if err := table(&out, []Calls{{7, "sort", 3, 180}, {8, "a\x1b[2J", 1, 0}}); err != nil {
		t.Fatal(err)
	}
	const want = "    PID  COMM                 CALLS         BYTES\n" +
		"      7  sort                     3           180\n" +
		`      8  "a\x1b[2J"               1             0` + "\n\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func newCounter(t *testing.T, sizeArgument int) *Counter {
	t.Helper()
	c, err := NewCounter(sizeArgument)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func attach(t *testing.T, c *Counter, file, symbol string, pid int) {
	t.Helper()
	if err := c.Attach(file, symbol, pid); err != nil {
		t.Fatal(err)
	}
}

func top(t *testing.T, c *Counter) []Calls {
	t.Helper()
	list, err := c.Top(10000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// callers returns what is counted by the callers' names.
func callers(t *testing.T, c *Counter) map[string][]Calls {
	t.Helper()
	byComm := map[string][]Calls{}
	for _, call := range top(t, c) {
		byComm[call.Comm] = append(byComm[call.Comm], call)
	}
	return byComm
}

// wholeMachine reports whether we see process ids as the kernel reports them: not
// in a container with a pid namespace of its own (without --pid=host).
func wholeMachine(t *testing.T) bool {
	t.Helper()
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	return namespace == "pid:[4026531836]" // the first one's number is fixed
}

// shell is a process that does what it is told, when it is told.
type shell struct {
	t   *testing.T
	pid int
	in  io.Writer
	out *bufio.Reader
}

func newShell(t *testing.T) *shell {
	t.Helper()
	cmd := exec.Command("sh")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	s := &shell{t, cmd.Process.Pid, in, bufio.NewReader(out)}
	s.run(":") // it has started
	return s
}

func (s *shell) run(command string) {
	s.t.Helper()
	s.send(command + "; echo done")
	s.expect("done")
}

func (s *shell) send(command string) {
	s.t.Helper()
	if _, err := io.WriteString(s.in, command+"\n"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shell) expect(want string) {
	s.t.Helper()
	if got, err := s.out.ReadString('\n'); got != want+"\n" {
		s.t.Fatalf("the shell said %q, %v; want %q", got, err, want)
	}
}
