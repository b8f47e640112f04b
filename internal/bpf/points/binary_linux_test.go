package points_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/points"
)

// library makes a shared object with a function of its own, an indirect one and
// one that it only imports.
func library(t *testing.T, flags ...string) string {
	t.Helper()
	compiler, err := exec.LookPath("cc")
	if err != nil {
		if compiler, err = exec.LookPath("clang"); err != nil {
			t.Skip("no C compiler")
		}
	}
	dir := t.TempDir()
	source, path := filepath.Join(dir, "x.c"), filepath.Join(dir, "libx.so.1")
	const text = `
extern int elsewhere(int);
static __attribute__((noinline)) int hidden_function(int x) { return x * 3; }
int read_the_line(int x) { return elsewhere(x) + hidden_function(x); }
static int (*choose(void))(int) { return hidden_function; }
int chosen_function(int) __attribute__((ifunc("choose")));
int some_variable = 1;
`
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-shared", "-fPIC", "-O1", "-nostdlib", "-o", path, source}, flags...)
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func TestSymbols(t *testing.T) {
	whole, stripped := library(t), library(t, "-s")
	dir := t.TempDir()
	text, pipe := filepath.Join(dir, "text"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(text, []byte("\x7fELF but no more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	// Without the linker's list a library may be anywhere.
	gone := api.PointMissing
	if _, err := os.Stat("/etc/ld.so.cache"); err != nil {
		gone = api.PointUnknown
	}
	for _, tt := range []struct {
		target string
		state  api.PointState
		reason string // part of it
		near   string
	}{
		{whole + ":read_the_line", api.PointThere, "", ""},
		{whole + ":read_the_line+0x4", api.PointThere, "", ""},
		{whole + ":read_the_line@@X_1.0", api.PointThere, "", ""},
		{whole + ":hidden_function", api.PointThere, "", ""},
		{whole + ":read_the_lnie", api.PointMissing, "has no function read_the_lnie", "read_the_line"},
		{whole + ":some_variable", api.PointMissing, "has no function", ""},
		{whole + ":elsewhere", api.PointMissing, "from a library", ""},
		{whole + ":chosen_function", api.PointUnknown, "when it runs", ""},
		{whole + ":0x1234", api.PointUnknown, "", ""},
		{strings.TrimPrefix(whole, "/") + ":read_the_line", api.PointThere, "", ""},
		{stripped + ":read_the_line", api.PointThere, "", ""},
		{stripped + ":hidden_function", api.PointMissing, "", ""},
		{"/nowhere/bin/bash:readline", api.PointMissing, "there is no file /nowhere/bin/bash", ""},
		{"nowhere/bin/bash:readline", api.PointUnknown, "", ""},
		{"/proc/1/root/nowhere:readline", api.PointUnknown, "", ""},
		{"/proc/self/exe:readline", api.PointUnknown, "", ""},
		{"no-such-program-anywhere:main", gone, "", ""},
		{"libcc:malloc", gone, "there is no library libcc", "libc"},
		{"libcc.so.6:malloc", gone, "there is no library libcc.so.6", "libc.so.6"},
		{"shh:main", gone, "there is no program and no library shh", "sh"},
		{"libc.so:malloc", api.PointUnknown, "", ""}, // some loaders add the version
		{strings.Replace(whole, "libx", "liby", 1) + ":f", api.PointMissing, "there is no file ", whole},
		{text + ":main", api.PointUnknown, "", ""},
		{pipe + ":main", api.PointUnknown, "is found", ""},
		{dir + ":main", api.PointUnknown, "is found", ""},
		{whole, api.PointUnknown, "", ""},
		{"libc.so.6:malolc", api.PointMissing, "has no function malolc", "malloc"},
		{"libc.so.6:malloc", api.PointThere, "", ""},
		{"c:malloc", api.PointThere, "", ""},
		{"libc:malloc", api.PointThere, "", ""},
	} {
		req := api.ResolveRequest{Points: []api.AttachPoint{{Kind: api.PointUprobe, Target: tt.target}}}
		got, err := points.Resolve(t.Context(), req, btf.NewCache())
		if err != nil {
			t.Fatal(err)
		}
		res := got.Points[0]
		if tt.state == api.PointUnknown && tt.near != "" { // it cannot be told here
			tt.reason, tt.near = "", ""
		}
		if res.State != tt.state || !strings.Contains(res.Reason, tt.reason) || tt.near != "" && !slices.Contains(res.Near, tt.near) {
			t.Errorf("%s: %+v, want %s, %q, near %q", tt.target, res, tt.state, tt.reason, tt.near)
		}
	}
}
