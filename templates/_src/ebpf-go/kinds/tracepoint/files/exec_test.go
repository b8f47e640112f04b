// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A program that starts is seen with its arguments, and counted.
func TestTracerSeesExec(t *testing.T) {
	needRoot(t)
	tracer, err := NewTracer()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer tracer.Close()

	want := []string{"true", "seen by", "test " + strconv.Itoa(os.Getpid())}
	cmd := exec.Command(want[0], want[1:]...)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	got := next(t, tracer, want)
	if wholeMachine(t) && (got.PID != cmd.Process.Pid || got.PPID != os.Getpid()) {
		t.Errorf("got pid %d, ppid %d; want %d, %d", got.PID, got.PPID, cmd.Process.Pid, os.Getpid())
	}
	if got.UID != os.Getuid() || got.Comm != "true" || got.Filename != cmd.Path || got.Truncated {
		t.Errorf("got %+v", got)
	}

	counts, err := tracer.Counts()
	if err != nil {
		t.Fatal(err)
	}
	counted := func(c Count) bool { return c.Comm == "true" && c.UID == os.Getuid() && c.Execs > 0 }
	if !slices.ContainsFunc(counts, counted) {
		t.Errorf("true is not counted: %v", counts)
	}
}

// Arguments that an event has no room for are cut or left out, and it says so.
func TestTracerCutsArguments(t *testing.T) {
	needRoot(t)
	tracer, err := NewTracer()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer tracer.Close()

	mark := strconv.Itoa(os.Getpid())
	tests := map[string]struct {
		args []string
		want int // arguments that are there, with the program's name
		cut  bool
	}{
		"fits":     {[]string{"fits" + mark, "", strings.Repeat("x", 126), "4", "5", "6", "7"}, 8, false},
		"too long": {[]string{"long" + mark, strings.Repeat("x", 4096), "3"}, 3, true},
		"too many": {[]string{"many" + mark, "2", "3", "4", "5", "6", "7", "8"}, 8, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := exec.Command("true", tt.args...).Run(); err != nil {
				t.Fatal(err)
			}
			got := next(t, tracer, []string{"true", tt.args[0]})
			if got.Truncated != tt.cut || len(got.Args) != tt.want {
				t.Errorf("got %+v", got)
			}
			if !tt.cut && !slices.Equal(got.Args[1:], tt.args) {
				t.Errorf("got %q, want %q", got.Args[1:], tt.args)
			}
		})
	}
}

// Counting goes on when nobody reads the events and the ring buffer is full.
func TestTracerCountsWithoutAReader(t *testing.T) {
	needRoot(t)
	tracer, err := NewTracer()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer tracer.Close()

	const want = 300 // the ring buffer has room for some 220
	for range want {
		if err := exec.Command("true").Run(); err != nil {
			t.Fatal(err)
		}
	}
	counts, err := tracer.Counts()
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for _, c := range counts {
		if c.Comm == "true" && c.UID == os.Getuid() {
			got = int(c.Execs)
		}
	}
	if got < want {
		t.Errorf("%d of %d are counted", got, want)
	}
}

// Stop ends a Next that waits.
func TestTracerStops(t *testing.T) {
	needRoot(t)
	tracer, err := NewTracer()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer tracer.Close()
	done := make(chan error)
	go func() {
		for {
			if _, err := tracer.Next(time.Time{}); err != nil {
				done <- err
				return
			}
		}
	}()
	tracer.Stop()
	if err := <-done; err != os.ErrClosed {
		t.Errorf("got %v, want %v", err, os.ErrClosed)
	}
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

// next waits for the exec whose arguments begin with the given ones.
func next(t *testing.T, tracer *Tracer, args []string) Exec {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		e, err := tracer.Next(deadline)
		if err != nil {
			t.Fatalf("exec of %q: %v", args, err)
		}
		if len(e.Args) >= len(args) && slices.Equal(e.Args[:len(args)], args) {
			return e
		}
	}
}

func TestParseRejectsShortRecords(t *testing.T) {
	if _, err := parse(make([]byte, 8)); err == nil {
		t.Error("8 bytes were accepted")
	}
}

// What a process calls itself must not control the terminal.
func TestTableQuotes(t *testing.T) {
	var out bytes.Buffer
	if err := table(&out)(Exec{Comm: "a\x1b[2Jb", Args: []string{"ls", "-l", "two words", "", "\n"}}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), `"a\x1b[2Jb"      ls -l "two words" "" "\n"`+"\n") {
		t.Errorf("got %q", out.String())
	}
}

func TestJSONKeepsArguments(t *testing.T) {
	data, err := json.Marshal(Exec{PID: 7, Comm: "ls", Args: []string{"ls", "a b"}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"pid":7,"ppid":0,"uid":0,"comm":"ls","filename":"","args":["ls","a b"]}`
	if string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
}
