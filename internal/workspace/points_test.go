package workspace_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/workspace"
)

const (
	wrongC = "\nSEC(\"tracepoint/sched/sched_process_exce\")\nint on_exec(void *ctx) { return 0; }\n"
	wrongB = "uprobe:libc.so.6:mallocc { }\n"
	rightC = "SEC(\"tracepoint/sched/sched_switch\")\nint on_switch(void *ctx) { return 0; }\n"
)

// building opens a folder with some files on a fake of this machine.
func building(t *testing.T, pairs ...string) (*apitest.Fake, api.Session, string) {
	t.Helper()
	folder := t.TempDir()
	for i := 0; i < len(pairs); i += 2 {
		path := filepath.Join(folder, filepath.FromSlash(pairs[i]))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(pairs[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fake := apitest.NewFake()
	fake.SetInfo(api.SessionInfo{Target: "local", Project: "p", Dir: folder})
	ws := workspace.New(workspace.Options{Local: func(context.Context, api.OpenRequest) (api.Session, error) { return fake, nil }})
	s, err := ws.Open(t.Context(), api.OpenRequest{Folder: folder, Target: api.TargetLocal})
	if err != nil {
		t.Fatal(err)
	}
	return fake, s, folder
}

// said builds and returns what was said and the error.
func said(t *testing.T, s api.Session, req api.BuildRequest) ([]api.BuildEvent, error) {
	t.Helper()
	var events []api.BuildEvent
	req.Dir = s.Info().Dir
	_, err := s.Build(t.Context(), req, func(e api.BuildEvent) error {
		events = append(events, e)
		return nil
	})
	return events, err
}

func TestMissingAttachPointsEndABuildBeforeItStarts(t *testing.T) {
	fake, s, folder := building(t, "bpf/exec.bpf.c", wrongC, "right.bpf.c", rightC, "x.bt", wrongB)
	_, err := said(t, s, api.BuildRequest{})
	want := "check attach points bpf/exec.bpf.c:2: this kernel has no tracepoint sched/sched_process_exce; near: sched/sched_process_exec\n" +
		"  x.bt:1: this kernel has no uprobe libc.so.6:mallocc; near: libc.so.6:malloc"
	if !errors.Is(err, api.ErrNotExist) || err.Error() != want {
		t.Errorf("Build: %v\nwant   %s", err, want)
	}
	if hint, want := api.HintOf(err), "${EDITOR:-vi} +2 "+filepath.Join(folder, "bpf", "exec.bpf.c"); hint != want {
		t.Errorf("hint %q, want %q", hint, want)
	}
	if fake.Calls("Build") != 0 {
		t.Error("it was built")
	}
}

func TestAttachPointsThatDoNotEndABuild(t *testing.T) {
	for name, tt := range map[string]struct {
		pairs []string
		req   api.BuildRequest
		setup func(*apitest.Fake)
	}{
		"right":     {[]string{"x.bpf.c", rightC}, api.BuildRequest{}, nil},
		"unasked":   {[]string{"x.bpf.c", wrongC}, api.BuildRequest{NoCheck: true}, nil},
		"overruled": {[]string{"x.bpf.c", wrongC}, api.BuildRequest{Attach: []api.AttachOption{{Program: "on_exec", Target: "sched/sched_switch"}}}, nil},
		"overruled by settings": {[]string{
			"x.bpf.c", wrongC, ".devcontainer.json",
			`{"image": "x", "customizations": {"ebpfdev": {"attach": [{"program": "on_exec", "target": "sched/sched_switch"}]}}}`,
		}, api.BuildRequest{}, nil},
		"unknown":           {[]string{"x.bpf.c", wrongC}, api.BuildRequest{}, func(f *apitest.Fake) { f.SetPoints() }},
		"the target cannot": {[]string{"x.bpf.c", wrongC}, api.BuildRequest{}, func(f *apitest.Fake) { f.Fail("Resolve", api.ErrNotSupported) }},
		"no sources":        {nil, api.BuildRequest{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			fake, s, _ := building(t, tt.pairs...)
			if tt.setup != nil {
				tt.setup(fake)
			}
			if _, err := said(t, s, tt.req); err != nil || fake.Calls("Build") != 1 {
				t.Errorf("Build: %v, %d builds", err, fake.Calls("Build"))
			}
		})
	}
}

// A target that an option gives has no line in a source.
func TestMissingAttachPointOfAnOption(t *testing.T) {
	_, s, _ := building(t, "x.bpf.c", rightC)
	_, err := said(t, s, api.BuildRequest{Attach: []api.AttachOption{{Program: "on_switch", Target: "sched/sched_swicth"}}})
	want := "check attach points on_switch=sched/sched_swicth: this kernel has no tracepoint sched/sched_swicth; near: sched/sched_switch"
	if err == nil || err.Error() != want || api.HintOf(err) != "" {
		t.Errorf("Build: %v (hint %q)", err, api.HintOf(err))
	}
}

// noKprobes has every function and cannot attach to any.
type noKprobes struct{ *apitest.Fake }

func (noKprobes) Resolve(_ context.Context, req api.ResolveRequest) (res api.ResolveResult, _ error) {
	for range req.Points {
		res.Points = append(res.Points, api.Resolution{State: api.PointThere, Reason: "this kernel was built without kprobes"})
	}
	return res, nil
}

func TestAKernelWithoutKprobesIsSaid(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "x.bpf.c"), []byte("SEC(\"kprobe/vfs_read\") int f(void *c) {}"), 0o644); err != nil {
		t.Fatal(err)
	}
	fake := noKprobes{apitest.NewFake()}
	fake.SetInfo(api.SessionInfo{Target: "local", Dir: folder})
	ws := workspace.New(workspace.Options{Local: func(context.Context, api.OpenRequest) (api.Session, error) { return fake, nil }})
	s, err := ws.Open(t.Context(), api.OpenRequest{Folder: folder, Target: api.TargetLocal})
	if err != nil {
		t.Fatal(err)
	}
	events, err := said(t, s, api.BuildRequest{})
	if err != nil || len(events) == 0 || events[0].Line != "x.bpf.c:1:1: warning: vfs_read: this kernel was built without kprobes" || !events[0].Stderr {
		t.Errorf("Build: %+v, %v", events, err)
	}
}

// What a build makes cannot be looked into before.
func TestSymbolsOfTheProjectsOwnFiles(t *testing.T) {
	fake, s, folder := building(t)
	text := "uprobe:" + filepath.ToSlash(folder) + "/bin/server:handle { }"
	if err := os.WriteFile(filepath.Join(folder, "x.bt"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(folder, " ") {
		t.Skip("a folder that bpftrace needs quotes for")
	}
	if _, err := said(t, s, api.BuildRequest{}); err != nil || fake.Calls("Resolve") != 0 {
		t.Errorf("Build: %v, asked %d times", err, fake.Calls("Resolve"))
	}
}

const runsCalls = "{\n  \"image\": \"x\",\n  \"customizations\": {\"ebpfdev\": {\n    \"run\": [\"bpftrace\", \"calls.bt\", \"libc.so.6\", \"mallocc\"]\n  }}\n}\n"

// A name that the settings give is to be corrected there.
func TestMissingAttachPointOfAnArgument(t *testing.T) {
	_, s, folder := building(t, "calls.bt", "\nuprobe:$1:$2 { }\n", ".devcontainer/devcontainer.json", runsCalls)
	_, err := said(t, s, api.BuildRequest{})
	want := "check attach points calls.bt:2: this kernel has no uprobe libc.so.6:mallocc; near: libc.so.6:malloc" +
		"; \"run\" in devcontainer.json gives the name"
	if err == nil || err.Error() != want {
		t.Errorf("Build: %v\nwant   %s", err, want)
	}
	if hint, want := api.HintOf(err), "${EDITOR:-vi} +4 "+filepath.Join(folder, ".devcontainer", "devcontainer.json"); hint != want {
		t.Errorf("hint %q, want %q", hint, want)
	}
}

// A library that the project's own Makefile makes is not there before the build.
func TestSymbolsOfLibrariesThatABuildMakes(t *testing.T) {
	for makefile, asked := range map[string]int{
		"libc.so.6: x.c\n\tcc -shared x.c\n":        0,
		"all:\n\tcc -shared -o out/libc.so.6 x.c\n": 0,
		"ARGS ?= libc.so.6 malloc\n":                1,
	} {
		fake, s, _ := building(t, "x.bt", "uprobe:libc.so.6:malloc { }\n", "Makefile", makefile)
		if _, err := said(t, s, api.BuildRequest{}); err != nil || fake.Calls("Resolve") != asked {
			t.Errorf("%q: %v, asked %d times", makefile, err, fake.Calls("Resolve"))
		}
	}
}
