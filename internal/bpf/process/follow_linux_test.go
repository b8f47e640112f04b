package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// running makes a project's folder with the record of a loader that runs: this
// process.
func running(t *testing.T) (*Store, Record, *log) {
	t.Helper()
	s := New(t.TempDir())
	self, ok := idOf(os.Getpid())
	if !ok {
		t.Fatal("no /proc")
	}
	r := Record{
		Project: "p", Boot: bootID(), Keeper: self, Loader: self, Args: []string{"/usr/bin/loader", "x.bt"}, Dir: "/",
		Lifetime: api.LifetimePinned, StartedAt: time.Now(),
	}
	must(t, os.Mkdir(s.dir("p"), 0o700))
	must(t, r.write(s.dir("p")))
	l, err := newLog(s.dir("p"))
	must(t, err)
	return s, r, l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A follower sees each line once and in order, however often the log begins anew
// meanwhile, and what it was too slow for is counted. The log stays small.
func TestFollow(t *testing.T) {
	s, r, l := running(t)
	const n = 60_000
	text := strings.Repeat("x", 100)
	go func() {
		for i := range n {
			l.add(i%2 == 1, fmt.Sprint(i, " ", text))
		}
		ended := r
		ended.Ended = &End{At: time.Now()}
		if err := ended.write(s.dir("p")); err != nil {
			t.Error(err)
		}
	}()
	next, lost := 0, 0
	err := s.Follow(t.Context(), r, func(e api.Event) bool {
		switch e.Kind {
		case api.EventLost:
			lost += int(e.Lost)
			next += int(e.Lost)
		case api.EventOutput:
			var i int
			if _, err := fmt.Sscan(e.Text, &i); err != nil || i < next || lost == 0 && next > 0 && i != next || e.Stderr != (i%2 == 1) || e.Time.IsZero() {
				t.Errorf("line %d comes where %d is expected: %+v", i, next, e)
				return false
			}
			if next == 0 {
				lost = 0 // what was before the first line is not missed
			}
			next = i + 1
		}
		return true
	})
	if !errors.Is(err, io.EOF) || next != n {
		t.Errorf("Follow ended with %v after line %d, %d of them lost", err, next, lost)
	}
	for _, name := range []string{outputName, oldName} {
		if info, err := os.Stat(filepath.Join(s.dir("p"), name)); err != nil || info.Size() > maxOutput+maxLine {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if lines := tail(s.dir("p"), 0); len(lines) != maxTail || lines[maxTail-1].Number != n {
		t.Errorf("the tail is %d lines, the last %+v", len(lines), lines[len(lines)-1])
	}
}

// A stream ends as its loader does, and at once when nobody wants it any more.
func TestFollowEnds(t *testing.T) {
	s, r, l := running(t)
	l.add(false, "on the one")
	l.add(true, "on the other")
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	err := s.Follow(ctx, r, func(api.Event) bool {
		if seen++; seen == 2 {
			cancel()
		}
		return true
	})
	if err != nil || seen != 2 {
		t.Errorf("cancelled: %v after %d lines", err, seen)
	}
	if err := s.Follow(t.Context(), r, func(api.Event) bool { return false }); err != nil {
		t.Errorf("not wanted: %v", err)
	}
	ended := r
	ended.Ended = &End{At: time.Now(), ExitCode: 7}
	must(t, ended.write(s.dir("p")))
	var tool *api.ToolError
	err = s.Follow(t.Context(), r, func(api.Event) bool { return true })
	if !errors.As(err, &tool) || tool.ExitCode != 7 || tool.Stderr != "on the other\n" || tool.Tool != "loader x.bt" {
		t.Errorf("it failed: %v", err)
	}
	done := make(chan error, 1)
	must(t, r.write(s.dir("p")))
	go func() {
		done <- s.Follow(t.Context(), r, func(e api.Event) bool {
			if e.Text == "on the other" {
				if err := os.RemoveAll(s.dir("p")); err != nil {
					t.Error(err)
				}
			}
			return true
		})
	}()
	if err := <-done; !errors.Is(err, io.EOF) {
		t.Errorf("unloaded: %v", err)
	}
	if err := s.Follow(t.Context(), r, func(api.Event) bool { return true }); !errors.Is(err, io.EOF) {
		t.Errorf("gone before: %v", err)
	}
}

// Lines are what a terminal would show of them: without ends, cut when they are
// longer than any line, the last one also without an end.
func TestLines(t *testing.T) {
	dir := t.TempDir()
	l, err := newLog(dir)
	must(t, err)
	l.copy(strings.NewReader("one\r\n\ntwo\x00\xff\n"+strings.Repeat("y", 2*maxLine)+"\nno end"), false)
	var texts []string
	for _, l := range tail(dir, 0) {
		texts = append(texts, l.Text)
	}
	long := strings.Repeat("y", maxLine)
	want := []string{"one", "", "two\x00\ufffd", long, long, "no end"}
	if len(texts) != len(want) {
		t.Fatalf("%d lines, want %d", len(texts), len(want))
	}
	for i := range want {
		if texts[i] != want[i] {
			t.Errorf("line %d is %.40q, want %.40q", i, texts[i], want[i])
		}
	}
}

// Only what is a record of ours counts.
func TestFind(t *testing.T) {
	s, r, _ := running(t)
	if got := s.Find("p"); got == nil || got.Loader != r.Loader || !got.Running() {
		t.Errorf("Find = %+v", got)
	}
	if err := s.CheckFree("p"); !errors.Is(err, api.ErrConflict) || !strings.Contains(err.Error(), "loader x.bt (pid ") {
		t.Errorf("CheckFree: %v", err)
	}
	for _, text := range []string{"", "{", "[]", `{"project": "q", "args": ["x"]}`, `{"project": "p"}`} {
		must(t, os.WriteFile(filepath.Join(s.dir("p"), recordName), []byte(text), 0o600))
		if got := s.Find("p"); got != nil {
			t.Errorf("%q is a record: %+v", text, got)
		}
	}
	must(t, os.Remove(filepath.Join(s.dir("p"), recordName)))
	must(t, os.Symlink("/etc/passwd", filepath.Join(s.dir("p"), recordName)))
	if got := s.Find("p"); got != nil {
		t.Errorf("a link is a record: %+v", got)
	}
	for _, name := range []string{"", "..", "../p", ".p"} {
		if got := s.Find(name); got != nil {
			t.Errorf("Find(%q) = %+v", name, got)
		}
	}
	if list := s.List(""); len(list) != 0 {
		t.Errorf("List = %+v", list)
	}
}
