package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/format"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/templates"
)

// everyProject calls fn with each project that the embedded templates can make.
func everyProject(t *testing.T, fn func(t *testing.T, req api.ScaffoldRequest, files []file)) {
	t.Helper()
	c := catalogue(t, templates.FS)
	list, err := c.Templates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tmpl := range list {
		for _, kind := range tmpl.Kinds {
			for bits := range 1 << len(flags(api.ContainerOptions{})) {
				req := api.ScaffoldRequest{Name: "probe", Template: tmpl.ID, Kind: kind.ID, Options: api.ContainerOptions{
					LeastPrivilege: bits&1 != 0, PrivatePID: bits&2 != 0, HostNetwork: bits&4 != 0,
				}}
				name := strings.ReplaceAll(strings.TrimPrefix(command(req), "ebpfdev new probe --template "), " --", ",")
				t.Run(name, func(t *testing.T) {
					files, err := c.plan(t.Context(), req)
					if err != nil {
						t.Fatal(err)
					}
					fn(t, req, files)
				})
			}
		}
	}
}

// The parts that every project has, whatever package embed leaves out, and those
// of each framework.
func TestProjectsAreWhole(t *testing.T) {
	every := []string{
		".devcontainer/Dockerfile", ".devcontainer/certs/README.md", devcontainerPath, ".editorconfig", ".gitignore",
		".github/workflows/ci.yml", ".vscode/extensions.json", ".vscode/launch.json", ".vscode/tasks.json", "LICENSE", "Makefile",
		"README.md", "scripts/stimulus.sh",
	}
	own := map[string][]string{
		"bcc":      {"harness.py", "loader.py", "scripts/headers.sh"},
		"bpftrace": {"scripts/tap.bash", "scripts/test.sh"},
		"ebpf-go":  {".clangd", "bpf/vmlinux.h", "go.mod", "go.sum", "main.go"},
		"libbpf": {
			".clang-format", ".clangd", "bpf/vmlinux.h", "src/main.c", "src/program.c", "src/program.h", "src/run.c", "tests/test.c",
			"tests/test.h", "tests/test_program.c",
		},
	}
	everyProject(t, func(t *testing.T, req api.ScaffoldRequest, files []file) {
		for _, name := range slices.Concat(every, own[req.Template]) {
			if !slices.Contains(paths(files), name) {
				t.Errorf("%s is missing", name)
			}
		}
		for _, f := range files {
			if script := strings.HasSuffix(f.path, ".sh"); script != (f.mode == modeExecutable) {
				t.Errorf("%s has mode %v", f.path, f.mode)
			}
		}
	})
}

// Every kind says what `ebpfdev templates check` looks for, every framework how
// big its image is.
func TestEveryKindCanBeChecked(t *testing.T) {
	list, err := catalogue(t, templates.FS).Templates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tmpl := range list {
		if tmpl.ImageSize == "" {
			t.Errorf("%s: no image_size", tmpl.ID)
		}
		for _, k := range tmpl.Kinds {
			if k.Check.Map == "" || k.Check.Entry == "" || k.Check.Output == "" {
				t.Errorf("%s/%s: check is %+v", tmpl.ID, k.ID, k.Check)
			}
			for _, pattern := range []string{k.Check.Entry, k.Check.Output} {
				if _, err := regexp.Compile(pattern); err != nil {
					t.Errorf("%s/%s: %v", tmpl.ID, k.ID, err)
				}
			}
		}
	}
}

// Nothing of the template language is left, and nothing is fetched from us.
func TestProjectsAreRendered(t *testing.T) {
	leftover := regexp.MustCompile(`templateOption|@if|@end\b|@include|TODO|github\.com/ebpfdev`)
	everyProject(t, func(t *testing.T, _ api.ScaffoldRequest, files []file) {
		for _, f := range files {
			if m := leftover.Find(f.data); m != nil {
				t.Errorf("%s: has %q", f.path, m)
			}
			gap := bytes.Contains(f.data, []byte("\n\n\n")) && path.Ext(f.path) != ".py" // whose style it is
			if gap || bytes.Contains(f.data, []byte(" \n")) || !bytes.HasSuffix(f.data, []byte("\n")) {
				t.Errorf("%s: stray white space", f.path)
			}
		}
	})
}

func TestProjectsJSON(t *testing.T) {
	everyProject(t, func(t *testing.T, _ api.ScaffoldRequest, files []file) {
		for _, f := range files {
			if path.Ext(f.path) == ".json" && !json.Valid(stripComments(f.data)) {
				t.Errorf("%s: not JSON with comments:\n%s", f.path, f.data)
			}
		}
	})
}

// stripComments removes comments that are alone on their line, the only place
// where templates have any.
func stripComments(data []byte) []byte {
	return regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAll(data, nil)
}

func TestOptionsInDevcontainer(t *testing.T) {
	everyProject(t, func(t *testing.T, req api.ScaffoldRequest, files []file) {
		var config struct {
			Name       string   `json:"name"`
			Privileged bool     `json:"privileged"`
			CapAdd     []string `json:"capAdd"`
			RunArgs    []string `json:"runArgs"`
			Mounts     []string `json:"mounts"`
		}
		i := slices.Index(paths(files), devcontainerPath)
		if err := json.Unmarshal(stripComments(files[i].data), &config); err != nil {
			t.Fatal(err)
		}
		if config.Name != req.Name || config.Privileged == req.Options.LeastPrivilege || (len(config.CapAdd) > 0) != req.Options.LeastPrivilege {
			t.Errorf("got %+v", config)
		}
		if slices.Contains(config.RunArgs, "--pid=host") == req.Options.PrivatePID {
			t.Errorf("pid: %q", config.RunArgs)
		}
		if slices.Contains(config.RunArgs, "--network=host") != req.Options.HostNetwork {
			t.Errorf("network: %q", config.RunArgs)
		}
		for _, m := range config.Mounts {
			if !strings.HasPrefix(m, "type=volume,source=ebpfdev-") || !strings.Contains(m, "-${devcontainerId},") {
				t.Errorf("mount needs something of the machine, or is shared: %s", m)
			}
		}
	})
}

// Every source is valid in its own language, and every file that manifests do not
// list for rendering has nothing to render.
func TestSources(t *testing.T) {
	listed := map[string]bool{}
	err := fs.WalkDir(templates.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && path.Base(name) == manifestName {
			m, err := readManifest(templates.FS, name)
			for _, r := range m.Render {
				listed[r] = true
			}
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	spdx := regexp.MustCompile(`\A(?:#!.*\n)?(?:/\*|//|#) SPDX-License-Identifier: (\S.*?)(?: \*/)?\n`)
	err = fs.WalkDir(templates.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(templates.FS, name)
		if err != nil {
			return err
		}
		rel := regexp.MustCompile(`^[^/]+/(?:base|files|kinds/[^/]+/files)/`).ReplaceAllString(name, "")
		rendered := listed[strings.TrimSuffix(rel, ".template")] || strings.Contains(name, "/sections/")
		if !rendered && (placeholder.Match(data) || slices.ContainsFunc(strings.Split(string(data), "\n"), marker.MatchString)) {
			t.Errorf("%s: has something to render, but no manifest says so", name)
		}
		switch path.Ext(name) {
		case ".go":
			if formatted, err := format.Source(data); err != nil || !bytes.Equal(formatted, data) {
				t.Errorf("%s: not formatted by gofmt: %v", name, err)
			}
			fallthrough
		case ".c", ".h", ".sh", ".bash", ".bt", ".py":
			if !spdx.Match(data) {
				t.Errorf("%s: no SPDX licence", name)
			}
		case ".json":
			if !rendered && !json.Valid(stripComments(data)) {
				t.Errorf("%s: not JSON", name)
			}
		}
		if ext := path.Ext(name); (ext == ".go" || ext == ".c" || ext == ".h") && rendered {
			t.Errorf("%s: Go and C sources are not rendered", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// BPF code may call GPL-only helpers and may be taken under either licence.
func TestBPFLicences(t *testing.T) {
	found := 0
	err := fs.WalkDir(templates.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".bpf.c") {
			return err
		}
		found++
		data, err := fs.ReadFile(templates.FS, name)
		for _, want := range []string{"SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause", `SEC("license") = "Dual BSD/GPL"`} {
			if !bytes.Contains(data, []byte(want)) {
				t.Errorf("%s: no %s", name, want)
			}
		}
		return err
	})
	if err != nil || found == 0 {
		t.Fatalf("%d files, %v", found, err)
	}
}

// So may what bpftrace and BCC compile, which tell the kernel a licence by
// themselves.
func TestScriptLicences(t *testing.T) {
	err := fs.WalkDir(templates.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		bcc := strings.HasPrefix(name, "bcc/") && strings.HasSuffix(name, ".c")
		if !bcc && !strings.HasSuffix(name, ".bt") {
			return nil
		}
		data, err := fs.ReadFile(templates.FS, name)
		if !bytes.Contains(data, []byte("SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause")) {
			t.Errorf("%s: another licence", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The image's Go caches are of use only if they hold the versions that the
// project asks for. The go line counts too: what is built depends on it.
func TestImageHoldsTheProjectsModules(t *testing.T) {
	everyProject(t, func(t *testing.T, req api.ScaffoldRequest, files []file) {
		if req.Template != "ebpf-go" {
			return
		}
		read := func(name string) []byte { return files[slices.Index(paths(files), name)].data }
		dockerfile := read(".devcontainer/Dockerfile")
		for in, want := range map[string]string{
			`(?m)^require github\.com/cilium/ebpf v(\S+)$`: "ARG EBPF_VERSION=%s\n",
			`(?m)^go (\S+)$`: `\n\ngo %s\n'`,
		} {
			m := regexp.MustCompile(in).FindSubmatch(read("go.mod"))
			if m == nil {
				t.Fatalf("go.mod has no %s", in)
			}
			if line := fmt.Sprintf(want, m[1]); !bytes.Contains(dockerfile, []byte(line)) {
				t.Errorf("Dockerfile has no %q", line)
			}
		}
	})
}
