package template

import (
	"errors"
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
