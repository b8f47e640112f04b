package template

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/templates"
)

// existing makes a folder with a project that Detect recognises.
func existing(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "my project")
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

const goMod = "module x\n\nrequire github.com/cilium/ebpf v0.20.0\n"

// A project without a dev container gets one, and nothing else.
func TestInitWritesAContainer(t *testing.T) {
	folder := existing(t, map[string]string{"go.mod": goMod, "main.go": "package main\n", ".gitignore": "x\n"})
	c := catalogue(t, templates.FS)
	res, err := c.Init(t.Context(), api.InitRequest{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".devcontainer/Dockerfile", ".devcontainer/certs/.gitignore", ".devcontainer/certs/README.md", ".devcontainer/devcontainer.json"}
	if res.Template != "ebpf-go" || !slices.Equal(res.Written, want) {
		t.Errorf("got %+v", res)
	}
	if got := tree(t, folder); !slices.Equal(got, append(want, ".gitignore", "go.mod", "main.go")) {
		t.Errorf("the folder holds %q", got)
	}
	config := readFile(t, folder, devcontainerPath)
	for _, has := range []string{`"name": "my-project"`, `"framework": "ebpf-go"`} {
		if !strings.Contains(config, has) {
			t.Errorf("no %s in\n%s", has, config)
		}
	}
	if strings.Contains(config, `"make"`) {
		t.Errorf("it tells a build that the project may not have:\n%s", config)
	}
	again, err := c.Init(t.Context(), api.InitRequest{Folder: folder})
	if err != nil || len(again.Written) > 0 || again.Changed != "" || len(again.Lacks) > 0 {
		t.Errorf("twice: %+v, %v", again, err)
	}
}

// A dev container that is there gets the settings alone.
func TestInitAddsSettings(t *testing.T) {
	const before = "{\n  // ours\n  \"image\": \"x\"\n}\n"
	folder := existing(t, map[string]string{"go.mod": goMod, ".devcontainer.json": before})
	res, err := catalogue(t, templates.FS).Init(t.Context(), api.InitRequest{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	if res.Changed != ".devcontainer.json" || len(res.Written) > 0 || len(res.Lacks) != 3 {
		t.Errorf("got %+v", res)
	}
	want := strings.Replace(before, "\"x\"", "\"x\",\n  \"customizations\": {\n    \"ebpfdev\": {\n      \"framework\": \"ebpf-go\"\n    }\n  }", 1)
	if got := readFile(t, folder, ".devcontainer.json"); got != want {
		t.Errorf("got %s", got)
	}
	if info, err := os.Stat(filepath.Join(folder, ".devcontainer.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got := tree(t, folder); len(got) != 2 {
		t.Errorf("the folder holds %q", got)
	}
}

// What the project's own files tell becomes a setting; what they do not is said.
func TestInitFillsInSettings(t *testing.T) {
	const script, makefile = "uprobe:$1:$2 { }\n", "run:\n\tbpftrace calls.bt libc malloc\n"
	run := []string{`"run": ["bpftrace", "calls.bt", "libc", "malloc"]`}
	open := []api.OpenSetting{{Name: "run", Reason: "calls.bt takes 2 arguments", Example: `"run": ["bpftrace", "calls.bt", "ARG1", "ARG2"]`}}
	for name, tt := range map[string]struct {
		files map[string]string
		told  []string
		open  []api.OpenSetting
		has   string // the devcontainer.json
	}{
		"a new container": {map[string]string{"Makefile": makefile}, run, nil, `"malloc"`},
		"one that is there": {
			map[string]string{"Makefile": makefile, ".devcontainer/devcontainer.json": `{"image": "x"}`},
			run, nil,
			`"run":["bpftrace","calls.bt","libc","malloc"]`,
		},
		"nothing tells it":   {nil, nil, open, `"framework": "bpftrace"`},
		"its own settings":   {map[string]string{".devcontainer/devcontainer.json": `{"image": "x", "customizations": {"ebpfdev": {}}}`}, nil, open, `"ebpfdev": {}`},
		"settings that have": {map[string]string{".devcontainer/devcontainer.json": `{"image": "x", "customizations": {"ebpfdev": {"run": ["x"]}}}`}, nil, nil, `"ebpfdev": {"run": ["x"]}`},
		"settings that could have": {
			map[string]string{"Makefile": makefile, ".devcontainer/devcontainer.json": `{"image": "x", "customizations": {"ebpfdev": {}}}`},
			nil,
			[]api.OpenSetting{{Name: "run", Reason: "the Makefile says how its program is run", Example: run[0]}},
			`"ebpfdev": {}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"calls.bt": script}
			maps.Copy(files, tt.files)
			folder := existing(t, files)
			res, err := catalogue(t, templates.FS).Init(t.Context(), api.InitRequest{Folder: folder})
			if err != nil || !slices.Equal(res.Told, tt.told) || !slices.Equal(res.Open, tt.open) {
				t.Errorf("%v\ntold %q\nopen %+v", err, res.Told, res.Open)
			}
			if text := readFile(t, folder, ".devcontainer/devcontainer.json"); !strings.Contains(text, tt.has) {
				t.Errorf("no %s in\n%s", tt.has, text)
			}
		})
	}
}

// A refusal says what would do, and its hint can be run.
func TestInitRefusalsHelp(t *testing.T) {
	for name, tt := range map[string]struct {
		files      map[string]string
		want, hint string // the hint's end
	}{
		"no project": {map[string]string{"src/x.c": ""}, "it has none of github.com/cilium/ebpf in go.mod (ebpf-go), ", "ebpfdev init --template libbpf"},
		"broken": {
			map[string]string{"go.mod": goMod, ".devcontainer.json": "{\n  \"image\": \"x\"\n  \"name\": 1\n}"},
			"read .devcontainer.json:3:3: invalid character", "/my project/.devcontainer.json'",
		},
		"several": {
			map[string]string{"go.mod": goMod, ".devcontainer/a/devcontainer.json": "{}", ".devcontainer/b/devcontainer.json": "{}"},
			"there are several: .devcontainer/a/devcontainer.json, .devcontainer/b/devcontainer.json", "mv .devcontainer/b/devcontainer.json .devcontainer/b/devcontainer.json.off",
		},
	} {
		_, err := catalogue(t, templates.FS).Init(t.Context(), api.InitRequest{Folder: existing(t, tt.files)})
		if !errors.Is(err, api.ErrUsage) || !strings.Contains(err.Error(), tt.want) || !strings.HasSuffix(api.HintOf(err), tt.hint) {
			t.Errorf("%s: %v (hint %s)", name, err, api.HintOf(err))
		}
	}
}

func TestInitRefuses(t *testing.T) {
	tests := map[string]struct {
		files map[string]string
		req   api.InitRequest
		kind  error
		want  string
	}{
		"no project":    {map[string]string{"a.txt": ""}, api.InitRequest{}, api.ErrUsage, "no eBPF project is recognised"},
		"no template":   {map[string]string{"go.mod": goMod}, api.InitRequest{Template: "ebpf-g"}, api.ErrUsage, `unknown template "ebpf-g"`},
		"in the way":    {map[string]string{"go.mod": goMod, ".devcontainer/Dockerfile": ""}, api.InitRequest{}, api.ErrConflict, "not empty"},
		"broken config": {map[string]string{"go.mod": goMod, ".devcontainer.json": "{"}, api.InitRequest{}, api.ErrUsage, ".devcontainer.json:1:"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.req.Folder = existing(t, tt.files)
			before := tree(t, tt.req.Folder)
			_, err := catalogue(t, templates.FS).Init(t.Context(), tt.req)
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
			if after := tree(t, tt.req.Folder); !slices.Equal(before, after) {
				t.Errorf("before %q, after %q", before, after)
			}
		})
	}
	_, err := catalogue(t, templates.FS).Init(t.Context(), api.InitRequest{Folder: filepath.Join(t.TempDir(), "none")})
	if !errors.Is(err, api.ErrNotExist) {
		t.Errorf("no folder: got %v", err)
	}
}

// What `new` writes is recognised by `init`, framework for framework: it gives a
// project that lost its dev container the same one again, but for the settings
// that only a scaffold can have.
func TestInitRecognisesEveryScaffold(t *testing.T) {
	c := catalogue(t, templates.FS)
	list, err := c.Templates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tmpl := range list {
		for _, kind := range tmpl.Kinds {
			t.Run(tmpl.ID+"/"+kind.ID, func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), "probe")
				made, err := c.Scaffold(t.Context(), api.ScaffoldRequest{Name: "probe", Folder: folder, Template: tmpl.ID, Kind: kind.ID})
				if err != nil {
					t.Fatal(err)
				}
				dockerfile := readFile(t, folder, ".devcontainer/Dockerfile")
				if err := os.RemoveAll(filepath.Join(folder, ".devcontainer")); err != nil {
					t.Fatal(err)
				}
				res, err := c.Init(t.Context(), api.InitRequest{Folder: folder})
				if err != nil || res.Template != tmpl.ID {
					t.Fatalf("got %+v, %v", res, err)
				}
				if got := tree(t, folder); !slices.Equal(got, made.Files) {
					t.Errorf("it holds %q, want %q", got, made.Files)
				}
				if len(res.Open) > 0 {
					t.Errorf("left open: %+v", res.Open)
				}
				if kind.ID != "tracepoint" && len(res.Told) != 1 {
					t.Errorf("told: %q", res.Told)
				}
				if readFile(t, folder, ".devcontainer/Dockerfile") != dockerfile {
					t.Error("the image is another one")
				}
			})
		}
	}
}

func readFile(t *testing.T, folder, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
