package build_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/build"
)

// object returns the head of an ELF file for a machine.
func object(machine uint16) []byte {
	b := make([]byte, 64)
	copy(b, "\x7fELF\x02\x01\x01")
	var order binary.AppendByteOrder = binary.LittleEndian
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		order, b[5] = binary.BigEndian, 2
	}
	copy(b[16:], order.AppendUint16(nil, 1))
	copy(b[18:], order.AppendUint16(nil, machine))
	return b
}

const (
	machineBPF = 247
	machineX86 = 62
)

// folder makes a folder with files; names ending in .sh can be run.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, ".sh") {
			mode, text = 0o755, "#!/bin/sh\n"+text
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func ignore(api.BuildEvent) error { return nil }

func TestObjectsAreChosen(t *testing.T) {
	bpf := string(object(machineBPF))
	other := "arm64"
	if runtime.GOARCH == other {
		other = "x86"
	}
	dir := folder(t, map[string]string{
		"build.sh":                      "echo hello; echo bad >&2; cp seed late_bpfel.o",
		"seed":                          bpf,
		"b/exec_bpfel.o":                bpf + "b",
		"a.o":                           bpf + "a",
		"a_copy.o":                      bpf + "a",
		"a_" + other + "_bpfel.o":       bpf,
		"host.o":                        string(object(machineX86)),
		"short.o":                       "\x7fELF",
		"empty.o":                       "",
		".git/x.o":                      bpf,
		".output/probe.o":               bpf + "p",
		"folder.o/readme":               "",
		"node_modules/x/y.o":            bpf,
		"text.o":                        strings.Repeat("text ", 100),
		"b/" + strings.Repeat("n", 200): "",
	})
	for name, target := range map[string]string{"link.o": "a.o", "out.o": "/etc/passwd", "dangling.o": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo.o"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "short.o"), 2<<30); err != nil {
		t.Fatal(err) // 2 GiB of nothing behind an ELF's first bytes
	}
	var steps, out, errs []string
	res, err := build.New(build.Options{}).Build(t.Context(), api.BuildRequest{Dir: dir, Command: []string{"./build.sh"}}, func(e api.BuildEvent) error {
		switch {
		case e.Step != "":
			steps = append(steps, e.Step)
		case e.Stderr:
			errs = append(errs, e.Line)
		default:
			out = append(out, e.Line)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, o := range res.Objects {
		paths = append(paths, o.Path)
		if !strings.HasPrefix(string(o.Data), bpf) || o.Name != filepath.Base(o.Path) {
			t.Errorf("%s: name %q, %d bytes", o.Path, o.Name, len(o.Data))
		}
	}
	if want := []string{".output/probe.o", "a.o", "b/exec_bpfel.o", "late_bpfel.o"}; !slices.Equal(paths, want) {
		t.Errorf("objects %q, want %q", paths, want)
	}
	if res.Framework != "unknown" || !slices.Equal(steps, []string{"./build.sh"}) || !slices.Equal(out, []string{"hello"}) || !slices.Equal(errs, []string{"bad"}) {
		t.Errorf("framework %q, steps %q, output %q, errors %q", res.Framework, steps, out, errs)
	}

	res, err = build.New(build.Options{}).Build(t.Context(), api.BuildRequest{
		Dir: dir, Command: []string{"./build.sh"}, Objects: []string{"b/**"}, Framework: "ebpf-go",
	}, ignore)
	if err != nil || len(res.Objects) != 1 || res.Framework != "ebpf-go" {
		t.Errorf("with a pattern of one's own: %d objects, framework %q, %v", len(res.Objects), res.Framework, err)
	}
}

func TestFailures(t *testing.T) {
	dir := folder(t, map[string]string{
		"fail.sh":    "echo first; echo last words >&2; exit 7",
		"killed.sh":  "kill -9 $$",
		"ok.sh":      "true",
		"missing.sh": "no-such-compiler x.c",
		"gotool.sh":  `echo 'exit status: exec: "clang": executable file not found in $PATH' >&2; exit 1`,
		"plain":      "",
	})
	python := folder(t, map[string]string{"x.py": "from bcc import BPF\n"})
	empty := t.TempDir()
	var tool *api.ToolError
	for _, tt := range []struct {
		name     string
		req      api.BuildRequest
		kind     api.Kind
		text     string
		exitCode int
	}{
		{"a tool fails", api.BuildRequest{Dir: dir, Command: []string{"./fail.sh"}}, api.ErrTool, "fail.sh: exit status 7: last words", 7},
		{"a tool is killed", api.BuildRequest{Dir: dir, Command: []string{"./killed.sh", "-x"}}, api.ErrTool, "killed.sh: exit status 137", 137},
		{"a tool is missing", api.BuildRequest{Dir: dir, Command: []string{"no-such-compiler", "-c"}}, api.ErrEnvironment, "not installed", 0},
		{"a shell misses a tool", api.BuildRequest{Dir: dir, Command: []string{"./missing.sh"}}, api.ErrEnvironment, "no-such-compiler", 127},
		{"a tool misses a tool", api.BuildRequest{Dir: dir, Command: []string{"./gotool.sh"}}, api.ErrEnvironment, "clang", 1},
		{"a script is missing", api.BuildRequest{Dir: dir, Command: []string{"./none.sh"}}, api.ErrEnvironment, "no such program", 0},
		{"a file that cannot be run", api.BuildRequest{Dir: dir, Command: []string{"./plain"}}, api.ErrEnvironment, "no such program", 0},
		{"no object", api.BuildRequest{Dir: dir, Command: []string{"./ok.sh"}}, api.ErrFailed, "no BPF object", 0},
		{"a bad pattern", api.BuildRequest{Dir: dir, Command: []string{"./ok.sh"}, Objects: []string{"["}}, api.ErrUsage, "bad pattern", 0},
		{"no folder", api.BuildRequest{Dir: filepath.Join(dir, "none")}, api.ErrNotExist, "no such folder", 0},
		{"a file", api.BuildRequest{Dir: filepath.Join(dir, "plain")}, api.ErrNotExist, "not a folder", 0},
		{"relative", api.BuildRequest{Dir: "."}, api.ErrUsage, "absolute", 0},
		{"no project", api.BuildRequest{Dir: empty}, api.ErrNotExist, "no eBPF project", 0},
		{"nothing to build", api.BuildRequest{Dir: python}, api.ErrUsage, "compiled when it starts", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := build.New(build.Options{}).Build(t.Context(), tt.req, ignore)
			if api.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v (%v)", err, api.KindOf(err))
			}
			if tt.exitCode != 0 && (!errors.As(err, &tool) || tool.ExitCode != tt.exitCode) {
				t.Errorf("exit code of %v", err)
			}
			if tt.kind == api.ErrEnvironment && strings.Contains(tt.name, "a tool") && api.HintOf(err) == "" {
				t.Error("no hint")
			}
		})
	}
}

// A gigabyte of output passes through bounded memory, also as one line.
func TestEndlessOutput(t *testing.T) {
	dir := folder(t, map[string]string{
		"lines.sh": "yes '" + strings.Repeat("warning: ", 20) + "' | head -c 250000000",
		"line.sh":  "head -c 100000000 /dev/zero | tr '\\0' x; exit 3",
	})
	b := build.New(build.Options{})
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	var size, lines, longest int
	count := func(e api.BuildEvent) error {
		if e.Line == "" {
			return nil
		}
		size += len(e.Line) + 1
		longest = max(longest, len(e.Line))
		if lines++; lines%200_000 == 0 {
			runtime.ReadMemStats(&now)
			if grown := int64(now.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
				return fmt.Errorf("the heap grew by %d MiB", grown>>20)
			}
		}
		return nil
	}
	if _, err := b.Build(t.Context(), api.BuildRequest{Dir: dir, Command: []string{"./lines.sh"}}, count); api.KindOf(err) != api.ErrFailed || size < 250_000_000 {
		t.Errorf("%d bytes came, %v", size, err)
	}
	size = 0
	_, err := b.Build(t.Context(), api.BuildRequest{Dir: dir, Command: []string{"./line.sh"}}, count)
	var tool *api.ToolError
	if !errors.As(err, &tool) || tool.ExitCode != 3 || len(tool.Stderr) > 64<<10 || size < 100_000_000 || longest > 64<<10 {
		t.Errorf("%d bytes in lines of at most %d, %d kept, %v", size, longest, len(tool.Stderr), api.KindOf(err))
	}
}

// gone waits until a process has ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d still runs", pid)
		}
	}
}

func TestCancelEndsEveryProcess(t *testing.T) {
	for name, script := range map[string]string{
		"child":             "sleep 1000 & echo $!; wait",
		"deaf":              "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done'",
		"chatty":            "echo $$; exec yes",
		"detached, chatty":  "setsid sh -c 'echo $$; exec sleep 1' & sleep 1000",
		"detached and deaf": "setsid sleep 1 & echo $$; sleep 1000",
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{"run.sh": script})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			pid := 0
			start := time.Now()
			_, err := build.New(build.Options{}).Build(ctx, api.BuildRequest{Dir: dir, Command: []string{"./run.sh"}}, func(e api.BuildEvent) error {
				if pid == 0 && e.Line != "" {
					pid, _ = strconv.Atoi(e.Line)
					cancel()
				}
				return nil
			})
			if err != context.Canceled { //nolint:errorlint // the contract is the context's own error
				t.Errorf("%v", err)
			}
			if d := time.Since(start); d > 2500*time.Millisecond {
				t.Errorf("it took %v", d)
			}
			gone(t, pid)
		})
	}
}

func TestCallbackStopsTheBuild(t *testing.T) {
	dir := folder(t, map[string]string{"run.sh": "echo $$; exec sleep 1000"})
	enough := errors.New("enough")
	pid := 0
	_, err := build.New(build.Options{}).Build(t.Context(), api.BuildRequest{Dir: dir, Command: []string{"./run.sh"}}, func(e api.BuildEvent) error {
		if e.Line == "" {
			return nil
		}
		pid, _ = strconv.Atoi(e.Line)
		return enough
	})
	if err != enough { //nolint:errorlint // the contract is the error as it is
		t.Errorf("%v", err)
	}
	gone(t, pid)
}

// What a step leaves in the background does not hold the build, and goes.
func TestLeftOverProcesses(t *testing.T) {
	dir := folder(t, map[string]string{"run.sh": "sleep 1000 & echo $!", "seed": string(object(machineBPF))})
	pid := 0
	start := time.Now()
	_, err := build.New(build.Options{}).Build(t.Context(), api.BuildRequest{Dir: dir, Command: []string{"./run.sh"}, Objects: []string{"seed"}}, func(e api.BuildEvent) error {
		if e.Line != "" {
			pid, _ = strconv.Atoi(e.Line)
		}
		return nil
	})
	if err != nil || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	gone(t, pid)
}

// A slow caller loses no line, even of a step that has long ended.
func TestSlowCallerGetsEverything(t *testing.T) {
	dir := folder(t, map[string]string{"run.sh": "seq 1000", "seed": string(object(machineBPF))})
	next := 1
	_, err := build.New(build.Options{}).Build(t.Context(), api.BuildRequest{Dir: dir, Command: []string{"./run.sh"}, Objects: []string{"seed"}}, func(e api.BuildEvent) error {
		if e.Line == "" {
			return nil
		}
		if e.Line != strconv.Itoa(next) {
			return fmt.Errorf("line %q in place of %d", e.Line, next)
		}
		if next == 500 {
			<-time.After(1500 * time.Millisecond) // slowness is what is tested
		}
		next++
		return nil
	})
	if err != nil || next != 1001 {
		t.Errorf("%d lines, %v", next-1, err)
	}
}

// A real compiler: a Go module whose go:generate runs clang.
func TestGoProject(t *testing.T) {
	for _, tool := range []string{"go", "clang"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	dir := folder(t, goProject())
	env := append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off")
	var steps []string
	res, err := build.New(build.Options{Env: env}).Build(t.Context(), api.BuildRequest{Dir: dir}, func(e api.BuildEvent) error {
		if e.Step != "" {
			steps = append(steps, e.Step)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Objects) != 1 || res.Objects[0].Path != "probe_bpfel.o" || res.Framework != "ebpf-go" ||
		!slices.Equal(steps, []string{"go generate ./...", "go build ./..."}) {
		t.Errorf("steps %q, %+v", steps, res)
	}
	if err := os.WriteFile(filepath.Join(dir, "bpf/probe.bpf.c"), []byte("int probe(void) { return nothing; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = build.New(build.Options{Env: env}).Build(t.Context(), api.BuildRequest{Dir: dir}, ignore)
	var tool *api.ToolError
	if !errors.As(err, &tool) || tool.Tool != "go generate" || !strings.Contains(tool.Stderr, "probe.bpf.c:1") {
		t.Errorf("a program that does not compile: %v\n%+v", err, tool)
	}
}

// goProject is a Go module whose go:generate runs clang.
func goProject() map[string]string {
	return map[string]string{
		"go.mod":  "module example.org/probe\n\ngo 1.21\n\nrequire github.com/cilium/ebpf v0.22.0\n",
		"main.go": "package main\n\n//go:generate clang -g -O2 -target bpf -c bpf/probe.bpf.c -o probe_bpfel.o\n\nfunc main() {}\n",
		"bpf/probe.bpf.c": "__attribute__((section(\"socket\"), used)) int probe(void *ctx) { return 0; }\n" +
			"char _license[] __attribute__((section(\"license\"), used)) = \"Dual BSD/GPL\";\n",
	}
}
