package project_test

import (
	"encoding/json"
	"errors"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/project"
)

func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

const goMod = "module example.org/you/exec-snoop/v2\n\ngo 1.25\n\nrequire (\n\tgithub.com/cilium/ebpf v0.22.0\n)\n"

func TestDetect(t *testing.T) {
	goTools := [][]string{{"go", "generate", "./..."}, {"go", "build", "./..."}}
	makeBuild := [][]string{{"make", "build"}}
	for _, tt := range []struct {
		name      string
		files     fstest.MapFS
		framework project.Framework
		build     [][]string
	}{
		{"empty", files(), project.Unknown, nil},
		{"go", files("go.mod", goMod), project.EBPFGo, goTools},
		{"go with make build", files("go.mod", goMod, "Makefile", ".PHONY: build\nall: x\nbuild: generate ## all\n\tgo build\n"), project.EBPFGo, makeBuild},
		{"go with an assignment", files("go.mod", goMod, "Makefile", "build := out\nbuildx:\n"), project.EBPFGo, goTools},
		{"go with CRLF", files("go.mod", strings.ReplaceAll(goMod, "\n", "\r\n"), "Makefile", "build:\r\n\tgo build\r\n"), project.EBPFGo, makeBuild},
		{"GNUmakefile wins", files("go.mod", goMod, "Makefile", "build:\n", "GNUmakefile", "all:\n"), project.EBPFGo, goTools},
		{"go one line", files("go.mod", "module probe\nrequire github.com/cilium/ebpf v0.22.0\n"), project.EBPFGo, goTools},
		{"go without ebpf", files("go.mod", "module x\nrequire github.com/cilium/ebpf-tools v1.0.0\n"), project.Unknown, nil},
		{"go replaces ebpf only", files("go.mod", "module x\nreplace github.com/cilium/ebpf => ../ebpf\n"), project.Unknown, nil},
		{"aya", files("Cargo.toml", "[package]\nname = \"drops\"\n[dependencies]\naya = \"0.13\"\n"), project.Aya, [][]string{{"cargo", "build"}}},
		{"aya workspace", files("Cargo.toml", "[workspace]\nmembers = [\"a\"]\n[workspace.dependencies]\naya-ebpf = { version = \"0.1\" }\n"), project.Aya, [][]string{{"cargo", "build"}}},
		{"aya as a table", files("Cargo.toml", "[dependencies.aya]\nversion = \"0.13\"\n"), project.Aya, [][]string{{"cargo", "build"}}},
		{"rust without aya", files("Cargo.toml", "[dependencies]\nayaka = \"1\"\n"), project.Unknown, nil},
		{"libbpf", files("Makefile", "all:\n", "src/x.bpf.c", ""), project.Libbpf, [][]string{{"make"}}},
		{"libbpf without a Makefile", files("src/x.bpf.c", ""), project.Unknown, nil},
		{"C in vendor only", files("Makefile", "all:\n", "vendor/x.bpf.c", ""), project.Unknown, nil},
		{"go comes before C", files("go.mod", goMod, "Makefile", "all:\n", "bpf/x.bpf.c", ""), project.EBPFGo, goTools},
		{"bpftrace", files("tools/opens.bt", ""), project.Bpftrace, nil},
		{"bcc", files("opens.py", "#!/usr/bin/python3\nfrom bcc import BPF\n"), project.BCC, nil},
		{"bcc by import", files("opens.py", "import os, bcc\n"), project.BCC, nil},
		{"bpftrace with make build", files("opens.bt", "", "Makefile", "build:\n"), project.Bpftrace, makeBuild},
		{"bcc with make build", files("opens.py", "import bcc\n", "Makefile", "build:\n"), project.BCC, makeBuild},
		{"bcc with a Makefile", files("opens.py", "import bcc\n", "Makefile", "run:\n"), project.BCC, nil},
		{"python without bcc", files("opens.py", "import bccx\n# from bcc import BPF\n"), project.Unknown, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := project.Detect(tt.files)
			if err != nil {
				t.Fatal(err)
			}
			if p.Framework != tt.framework || !reflect.DeepEqual(p.Build, tt.build) {
				t.Errorf("Detect = %+v", p)
			}
			if p.Framework.Builds() && len(p.Build) == 0 || p.Framework.Builds() != (len(p.Objects) > 0) {
				t.Errorf("%s builds: %v, but has steps %v and objects %v", p.Framework, p.Framework.Builds(), p.Build, p.Objects)
			}
		})
	}
}

// What loads the programs is known where there is one that can: the others are
// named, for a person to choose from.
func TestDetectRun(t *testing.T) {
	const bcc = "from bcc import BPF\n"
	for _, tt := range []struct {
		name         string
		files        fstest.MapFS
		run, sources []string
	}{
		{"one bt", files("tools/opens.bt", "", "x.py", bcc), []string{"bpftrace", "tools/opens.bt"}, []string{"tools/opens.bt"}},
		{"two bt", files("b.bt", "", "a.bt", ""), nil, []string{"a.bt", "b.bt"}},
		{"like an option", files("-e.bt", ""), []string{"bpftrace", "./-e.bt"}, []string{"-e.bt"}},
		{"one py", files("opens.py", bcc, "setup.py", "", "tests/opens.py", bcc, "test_opens.py", bcc, "conftest.py", bcc), []string{"python3", "opens.py"}, []string{"opens.py"}},
		{"two py", files("b.py", bcc, "a.py", bcc), nil, []string{"a.py", "b.py"}},
		{"a program and its module", files("loader.py", bcc, "calls.py", bcc+"if __name__ == \"__main__\":\n    main()\n"), []string{"python3", "calls.py"}, []string{"calls.py"}},
		{"two programs and a module", files("m.py", bcc, "b.py", "#!/usr/bin/python3\n"+bcc, "a.py", "#!/bin/sh\n"+bcc), nil, []string{"a.py", "b.py"}},
		{"tests only", files("tests/opens.py", bcc), nil, nil},
		{"go", files("go.mod", goMod, "x.bt", ""), nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := project.Detect(tt.files)
			if err != nil || !reflect.DeepEqual(p.Run, tt.run) || !reflect.DeepEqual(p.Sources, tt.sources) {
				t.Errorf("Detect = %+v, %v", p, err)
			}
			mine := project.Settings{Run: []string{"./loader", "-v"}}
			if got := p.Apply(mine); !reflect.DeepEqual(got.Run, mine.Run) {
				t.Errorf("Apply = %+v", got)
			}
		})
	}
}

// An Aya project's object is found where each way to build it puts it, and only
// there: cargo keeps copies.
func TestAyaObjects(t *testing.T) {
	p, err := project.Detect(files("Cargo.toml", "[dependencies]\naya = \"0.14\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"target/ebpf/bpfel-unknown-none/ebpf/ebpf":              true,
		"target/ebpf/bpfel-unknown-none/ebpf/deps/ebpf-0123":    false,
		"target/bpfel-unknown-none/release/probe":               true,
		"target/debug/build/probe-0123/out/probe":               true,
		"target/release/build/probe-0123/out/probe":             true,
		"target/debug/build/probe-0123/out/bpfel/release/probe": false,
		"target/debug/build/probe-0123/build_script_build-0123": false,
		"target/release/probe":                                  false,
		"target/editor/ebpf/bpfel-unknown-none/ebpf/probe":      false,
	} {
		got := slices.ContainsFunc(p.Objects, func(pattern string) bool {
			ok, err := project.Match(pattern, name)
			return ok && err == nil
		})
		if got != want {
			t.Errorf("%s: found %v, want %v", name, got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	const text = `{"framework": "libbpf", "build": ["ninja", "-C", "out"], "objects": ["out/*.o"],
		"attach": [{"program": "count", "target": "lo", "mode": "generic"}]}`
	var s project.Settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	p, err := project.Detect(files("go.mod", goMod))
	if err != nil {
		t.Fatal(err)
	}
	got := p.Apply(s)
	if got.Framework != project.Libbpf || !reflect.DeepEqual(got.Build, [][]string{s.Build}) || !reflect.DeepEqual(got.Objects, s.Objects) {
		t.Errorf("Apply = %+v", got)
	}
	if got := p.Apply(project.Settings{}); !reflect.DeepEqual(got, p) {
		t.Errorf("no settings changed the project to %+v", got)
	}
	req := s.Request(api.BuildRequest{Dir: "/w"})
	if req.Dir != "/w" || req.Framework != "libbpf" || !reflect.DeepEqual(req.Command, s.Build) || !reflect.DeepEqual(req.Objects, s.Objects) {
		t.Errorf("Request = %+v", req)
	}
	if req := (project.Settings{Run: []string{"./loader"}}).Request(api.BuildRequest{}); !reflect.DeepEqual(req.Run, []string{"./loader"}) {
		t.Errorf("Request = %+v", req)
	}
	mine := api.BuildRequest{Command: []string{"true"}, Objects: []string{"x"}, Framework: "aya", Run: []string{"x"}}
	if req := s.Request(mine); !reflect.DeepEqual(req, mine) {
		t.Errorf("what was asked for is overruled: %+v", req)
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"*.o", "a.o", true},
		{"*.o", "x/a.o", false},
		{"**/*.o", "a.o", true},
		{"**/*.o", "x/y/a.o", true},
		{"**/*.o", "x/.output/a.o", true},
		{"x/**/a.o", "x/a.o", true},
		{"x/**/a.o", "x/y/z/a.o", true},
		{"x/**/a.o", "y/a.o", false},
		{"x/**", "x/y/z", true},
		{"x/**", "x", true},
		{"**/**/**/a", "b/c", false},
		{"target/*/out/*", "target/debug/out/prog", true},
		{"target/*/out/*", "target/debug/x/out/prog", false},
		{"a?[0-9].o", "ab7.o", true},
		{"", "a", false},
	} {
		if got, err := project.Match(tt.pattern, tt.name); got != tt.want || err != nil {
			t.Errorf("Match(%q, %q) = %v, %v", tt.pattern, tt.name, got, err)
		}
	}
	if _, err := project.Match("[", "a"); !errors.Is(err, path.ErrBadPattern) {
		t.Errorf("a bad pattern: %v", err)
	}
}

func TestName(t *testing.T) {
	for folder, want := range map[string]string{
		"/home/me/exec-snoop":               "exec-snoop",
		"/home/me/My Project!":              "My-Project",
		"/home/me/.hidden":                  "hidden",
		"/home/me/..":                       "project",
		"/":                                 "project",
		"":                                  "project",
		"/w/naïve":                          "na-ve",
		"/w/日本":                             "project",
		`C:\Users\me\x y`:                   "x-y",
		"/w/a.b_c":                          "a.b_c",
		"/w/a\nb\x1b[2J":                    "a-b-2J",
		"/w/trailing/":                      "trailing",
		"/" + strings.Repeat("é", 50) + "x": "x",
		"/" + strings.Repeat("n", 255):      strings.Repeat("n", 64),
	} {
		got := project.Name(folder)
		if got != want || project.CheckName(got) != nil {
			t.Errorf("Name(%q) = %q, want %q", folder, got, want)
		}
	}
	for _, bad := range []string{"", ".", "..", "../x", ".a", "a/b", "/abs", "a b", "a\x00", "a%2e", "é", strings.Repeat("n", 65)} {
		if err := project.CheckName(bad); api.KindOf(err) != api.ErrUsage {
			t.Errorf("CheckName(%q): %v", bad, err)
		}
	}
}

func FuzzName(f *testing.F) {
	f.Add("/home/me/x")
	f.Fuzz(func(t *testing.T, folder string) {
		if name := project.Name(folder); project.CheckName(name) != nil {
			t.Errorf("Name(%q) = %q", folder, name)
		}
	})
}
