package build_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/build"
)

// tools makes a folder of scripts for a PATH.
func tools(t *testing.T, scripts map[string]string) []string {
	t.Helper()
	files := map[string]string{}
	for name, text := range scripts {
		files[name+".sh"] = text
	}
	dir := folder(t, files)
	for name := range scripts {
		if err := os.Rename(filepath.Join(dir, name+".sh"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"PATH=" + dir + ":/usr/bin:/bin"}
}

// said builds and returns what the build said, steps with "$ " before them.
func said(t *testing.T, env []string, req api.BuildRequest) (api.BuildResult, []string, error) {
	t.Helper()
	var lines []string
	res, err := build.New(build.Options{Env: env}).Build(t.Context(), req, func(e api.BuildEvent) error {
		if e.Step != "" {
			lines = append(lines, "$ "+e.Step)
		} else {
			lines = append(lines, e.Line)
		}
		return nil
	})
	return res, lines, err
}

// The two kinds of bpftrace that distributions have.
const (
	newBpftrace = `case $1 in --help) echo "    --dry-run  terminate after attaching";; --dry-run) echo "$2 is fine";; *) exit 9;; esac`
	oldBpftrace = `case $1 in --help) echo "-d  (dry run) debug info" >&2; exit 1;; -d) echo "AST of $2"; echo "a warning" >&2;; *) exit 9;; esac`
)

// bpftrace programs are built by a dry run of each.
func TestDryRun(t *testing.T) {
	dir := folder(t, map[string]string{"a.bt": "", "tools/b.bt": ""})
	if os.Geteuid() != 0 {
		if _, _, err := said(t, nil, api.BuildRequest{Dir: dir}); api.KindOf(err) != api.ErrPermission {
			t.Errorf("Build without being root: %v", err)
		}
		return
	}
	res, lines, err := said(t, tools(t, map[string]string{"bpftrace": newBpftrace}), api.BuildRequest{Dir: dir})
	if err != nil || res.Framework != "bpftrace" || len(res.Objects) != 0 || res.Loader != nil {
		t.Errorf("Build = %+v, %v", res, err)
	}
	if want := []string{"$ bpftrace --dry-run a.bt", "a.bt is fine", "$ bpftrace --dry-run tools/b.bt", "tools/b.bt is fine"}; !slices.Equal(lines, want) {
		t.Errorf("said %q", lines)
	}
	_, lines, err = said(t, tools(t, map[string]string{"bpftrace": oldBpftrace}), api.BuildRequest{Dir: dir})
	if want := []string{"$ bpftrace -d a.bt", "a warning", "$ bpftrace -d tools/b.bt", "a warning"}; err != nil || !slices.Equal(lines, want) {
		t.Errorf("said %q, %v", lines, err)
	}
	_, _, err = said(t, tools(t, map[string]string{"bpftrace": `[ $1 = --help ] || { echo "a.bt:1: ERROR: no" >&2; exit 1; }`}), api.BuildRequest{Dir: dir})
	if api.KindOf(err) != api.ErrTool || !strings.Contains(err.Error(), "a.bt:1: ERROR: no") {
		t.Errorf("Build = %v", err)
	}
	_, _, err = said(t, []string{"PATH=/nowhere"}, api.BuildRequest{Dir: dir})
	if api.KindOf(err) != api.ErrEnvironment || api.HintOf(err) != "apt-get install -y bpftrace" {
		t.Errorf("Build without bpftrace: %v", err)
	}
}

// Before a load nothing is run that the load does itself, and what is to be
// loaded must be clear.
func TestForLoad(t *testing.T) {
	env := tools(t, map[string]string{"bpftrace": "exit 9", "python3": "exit 9"})
	const bcc = "import bcc\n"
	for _, tt := range []struct {
		name   string
		files  map[string]string
		req    api.BuildRequest
		loader []string
		said   []string
		cause  string
		hint   string
	}{
		{name: "bpftrace", files: map[string]string{"a.bt": ""}, loader: []string{"bpftrace", "a.bt"}},
		{name: "bcc", files: map[string]string{"a.py": bcc}, loader: []string{"python3", "a.py"}},
		{name: "make build", files: map[string]string{"a.py": bcc, "Makefile": "build:\n\t@echo made\n"}, loader: []string{"python3", "a.py"}, said: []string{"$ make build", "made"}},
		{name: "its own command", files: map[string]string{"a.py": bcc, "b.py": bcc}, req: api.BuildRequest{Run: []string{"./run.sh"}}, loader: []string{"./run.sh"}},
		{name: "no framework", files: map[string]string{"a.c": ""}, req: api.BuildRequest{Run: []string{"./run.sh"}}, loader: []string{"./run.sh"}},
		{name: "two", files: map[string]string{"a b.bt": "", "c.bt": ""}, cause: "the project has 2 bpftrace programs (a b.bt, c.bt): name one", hint: "ebpfdev load 'a b.bt'"},
		{name: "tests only", files: map[string]string{"test_a.py": bcc}, cause: "no bcc program was found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.Dir, tt.req.For = folder(t, tt.files), api.BuildForLoad
			res, lines, err := said(t, env, tt.req)
			if tt.cause != "" {
				if api.KindOf(err) != api.ErrUsage || !strings.Contains(err.Error(), tt.cause) || api.HintOf(err) != tt.hint {
					t.Errorf("Build: %v, hint %q", err, api.HintOf(err))
				}
				return
			}
			if err != nil || !slices.Equal(res.Loader, tt.loader) || len(res.Objects) != 0 || !slices.Equal(lines, tt.said) {
				t.Errorf("Build = %+v, %v; said %q", res, err, lines)
			}
		})
	}
}

// What is only verified when it runs cannot be verified before; a project may
// have objects all the same.
func TestForVerify(t *testing.T) {
	for name, hint := range map[string]string{"a.bt": "ebpfdev build", "a.py": "ebpfdev build", "b.py": "ebpfdev run"} {
		files := map[string]string{name: "import bcc\n"}
		if name != "b.py" { // which has no build that tries it
			files["Makefile"] = "build:\n\t@echo made\n"
		}
		dir := folder(t, files)
		_, lines, err := said(t, os.Environ(), api.BuildRequest{Dir: dir, For: api.BuildForVerify})
		if api.KindOf(err) != api.ErrUsage || !strings.Contains(err.Error(), "verified when it starts") || api.HintOf(err) != hint || len(lines) != 0 {
			t.Errorf("%s: %v, hint %q; said %q", name, err, api.HintOf(err), lines)
		}
	}
}

// A project that builds objects and has a loader of its own has both.
func TestObjectsAndLoader(t *testing.T) {
	dir := folder(t, map[string]string{"build.sh": "cp seed x.bpf.o", "seed": string(object(machineBPF))})
	res, _, err := said(t, os.Environ(), api.BuildRequest{
		Dir: dir, Command: []string{"./build.sh"}, Framework: "libbpf", Run: []string{"./x"}, For: api.BuildForLoad,
	})
	if err != nil || len(res.Objects) != 1 || !slices.Equal(res.Loader, []string{"./x"}) {
		t.Errorf("Build = %+v, %v", res, err)
	}
}
