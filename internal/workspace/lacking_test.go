package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
)

// What a container lacks is not installed on the machine of whoever reads it.
func TestWhatAContainerLacks(t *testing.T) {
	lacks := api.Errorf("run", "clang", api.ErrEnvironment, "it is not installed").WithHint("apt-get install -y clang")
	other := api.Errorf("run", "x", api.ErrEnvironment, "it is not installed").WithHint("ls -l x")
	for _, tt := range []struct {
		target, dockerfile string
		err                error
		want, hint         string
	}{
		{"container", "/p/.devcontainer/Dockerfile", lacks, "run clang: it is not installed; clang is missing in the container: add it to the packages in /p/.devcontainer/Dockerfile", "${EDITOR:-vi} /p/.devcontainer/Dockerfile && ebpfdev up --rebuild"},
		{"container", "", lacks, "run clang: it is not installed; clang is missing in the container, whose image is not built here: what is added lasts until it is made anew", "ebpfdev exec --user root -- apt-get install -y clang"},
		{"container", "", other, other.Error(), "ls -l x"},
		{"local", "/p/Dockerfile", lacks, lacks.Error(), lacks.Hint},
	} {
		fake := apitest.NewFake()
		fake.SetInfo(api.SessionInfo{Target: tt.target})
		s := &projectSession{Session: fake, dockerfile: tt.dockerfile}
		fake.Fail("Build", tt.err)
		if _, err := s.Build(t.Context(), api.BuildRequest{}, nil); err == nil || err.Error() != tt.want || api.HintOf(err) != tt.hint || !errors.Is(err, api.ErrEnvironment) {
			t.Errorf("Build: %v (hint %s)", err, api.HintOf(err))
		}
		fake.Fail("Load", tt.err)
		if _, err := s.Load(t.Context(), api.LoadRequest{Process: &api.Process{}}); err == nil || err.Error() != tt.want {
			t.Errorf("Load: %v", err)
		}
	}
	if here, err := os.Getwd(); err != nil || fromHere(filepath.Join(here, "Dockerfile")) != "Dockerfile" {
		t.Errorf("a file here is %s", fromHere(filepath.Join(here, "Dockerfile")))
	}
}

func TestDockerfile(t *testing.T) {
	for text, want := range map[string]string{
		`{"build": {"dockerfile": "Dockerfile"}}`:       "/p/.devcontainer/Dockerfile",
		`{"build": {"dockerfile": "../Dockerfile"}}`:    "/p/Dockerfile",
		`{"dockerFile": "Dockerfile"}`:                  "/p/.devcontainer/Dockerfile",
		`{"image": "x"}`:                                "",
		`{"build": {"dockerfile": "${localEnv:FILE}"}}`: "",
	} {
		file, err := devcontainer.Parse("devcontainer.json", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		p := &project{config: "/p/.devcontainer/devcontainer.json", file: file}
		if got := filepath.ToSlash(p.dockerfile()); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
