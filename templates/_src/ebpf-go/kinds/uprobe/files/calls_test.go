// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The calls of a program that really runs are counted, under its own name.
func TestCountsCalls(t *testing.T) {
	needRoot(t)
	c := newCounter(t, 0)
	if err := c.Attach("libc.so.6", "malloc"); err != nil {
		t.Fatal(err)
	}
	name := "ls" + strconv.Itoa(os.Getpid())
	cmd := exec.Command(copyOf(t, "ls", name), "-l", "/")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	got := usageOf(t, c, name)
	if got.Calls == 0 || got.Bytes < got.Calls {
		t.Errorf("got %+v", got)
	}
	if wholeMachine(t) && got.PID != cmd.Process.Pid {
		t.Errorf("pid %d, want %d", got.PID, cmd.Process.Pid)
	}
}

// With a process id nobody else is counted.
func TestCountsOneProcess(t *testing.T) {
	needRoot(t)
	ls := copyOf(t, "ls", "one"+strconv.Itoa(os.Getpid()))
	one, pid := waiting(t, ls)
	c := newCounter(t, pid)
	if err := c.Attach("libc.so.6", "malloc"); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command(ls, "/").Run(); err != nil {
		t.Fatal(err)
	}
	one()
	list, err := c.Top(100)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range list {
		if u.PID != pid {
			t.Errorf("somebody else is counted: %+v", u)
		}
	}
	if got := usageOf(t, c, filepath.Base(ls)); got.Calls == 0 {
		t.Errorf("got %+v", got)
	}
}

// waiting starts a process that becomes a program when one is called, which waits
// for its end. In a container with a pid namespace of its own its number here is
// not the kernel's, so the kernel's comes from a counter of all processes.
func waiting(t *testing.T, program string) (one func(), pid int) {
	t.Helper()
	all := newCounter(t, 0)
	if err := all.Attach("libc.so.6", "malloc"); err != nil {
		t.Fatal(err)
	}
	sh := copyOf(t, "sh", "sh"+strconv.Itoa(os.Getpid()))
	cmd := exec.Command(sh, "-c", `echo ready && read go && exec "$0" /`, program) // exec keeps the process id
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(stdout)
	if _, err := out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := io.WriteString(stdin, "go\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, out); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}, usageOf(t, all, filepath.Base(sh)).PID
}

func TestAttachRefuses(t *testing.T) {
	needRoot(t)
	c := newCounter(t, 0)
	for file, want := range map[string]string{
		"libnothing.so.1":    "not found",
		"/no/such/libc.so.6": "no such file",
		"libc.so.6":          "has no function no_such_function",
	} {
		if err := c.Attach(file, "no_such_function"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", file, err, want)
		}
	}
}

// What a process calls itself must not control the terminal.
func TestTable(t *testing.T) {
	var out bytes.Buffer
	if err := table(&out, []Usage{{7, "ls", 3, 180}, {8, "a\x1bb", 1, 2}}); err != nil {
		t.Fatal(err)
	}
	const want = "CALLS  BYTES  PID  COMM\n3      180    7    ls\n1      2      8    \"a\\x1bb\"\n\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func newCounter(t *testing.T, pid int) *Counter {
	t.Helper()
	c, err := NewCounter(pid)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// copyOf copies a program under a name that no other process has.
func copyOf(t *testing.T, program, name string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(to, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}

// usageOf returns what the processes of that name have called.
func usageOf(t *testing.T, c *Counter, comm string) Usage {
	t.Helper()
	list, err := c.Top(10000)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range list {
		if u.Comm == comm {
			return u
		}
	}
	t.Fatalf("%s is not among %+v", comm, list)
	return Usage{}
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
