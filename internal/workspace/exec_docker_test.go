//go:build docker

package workspace_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/workspace"
)

func TestExecCodes(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	f.mustUp()
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"true"}, 0},
		{[]string{"sh", "-c", "exit 7"}, 7},
		{[]string{"sh", "-c", "kill -9 $$"}, 137},
	} {
		if out, code := f.exec(c.args...); code != c.code {
			t.Errorf("exec %v: code %d, want %d; %s", c.args, code, c.code, out)
		}
	}
	for command, want := range map[string]int{"no-such-command": 127, "/etc/passwd": 126} {
		code, err := f.w.Exec(t.Context(), api.ExecRequest{Folder: f.folder, Args: []string{command}})
		if code != want || err == nil || !strings.HasPrefix(err.Error(), "exec "+command+": ") {
			t.Errorf("exec %s: code %d, want %d; %v", command, code, want, err)
		}
	}
	var out bytes.Buffer
	code, err := f.w.Exec(t.Context(), api.ExecRequest{
		Folder: f.folder, Args: []string{"cat"}, Streams: api.Streams{In: strings.NewReader("input"), Out: &out},
	})
	if err != nil || code != 0 || out.String() != "input" {
		t.Errorf("cat: %d, %v, %q", code, err, out.String())
	}
}

func TestContainerRemovedMeanwhile(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	if _, err := f.w.Exec(t.Context(), api.ExecRequest{Folder: f.folder, Args: []string{"true"}}); !errors.Is(err, api.ErrEnvironment) || api.HintOf(err) != "ebpfdev up" {
		t.Errorf("exec before up: %v", err)
	}
	res := f.mustUp()
	if err := f.e.RemoveContainer(t.Context(), res.ContainerID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.w.Exec(t.Context(), api.ExecRequest{Folder: f.folder, Args: []string{"true"}}); !errors.Is(err, api.ErrEnvironment) {
		t.Errorf("exec after removal: %v", err)
	}
	if again := f.mustUp(); !again.Created {
		t.Errorf("up: %+v", again)
	}
}

func TestOpenContainer(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	if _, err := f.w.Open(t.Context(), api.OpenRequest{Folder: f.folder}); !errors.Is(err, api.ErrEnvironment) || api.HintOf(err) != "ebpfdev up" {
		t.Errorf("open before up: %v", err)
	}
	f.mustUp()
	s, err := f.w.Open(t.Context(), api.OpenRequest{Folder: f.folder})
	if err != nil {
		t.Fatal(err)
	}
	info := s.Info()
	if info.Target != "container" || info.Dir != "/workspaces/"+filepath.Base(f.folder) || info.Container == "" {
		t.Errorf("info: %+v", info)
	}
	kernel, err := s.Probe(t.Context(), api.ProbeRequest{})
	if err != nil {
		t.Errorf("probe: %v", err)
	}
	t.Logf("kernel: %+v", kernel)
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestContainerWithoutTheVolumeGetsTheAgent(t *testing.T) {
	f := newFixture(t, `{"image": "`+base+`", "containerEnv": {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}}`, "")
	f.mustUp()
	if out, code := f.exec("/opt/ebpfdev/current/ebpfdev", "version"); code != 0 {
		t.Errorf("version: %d %s", code, out)
	}
	// Somebody changes it: the agent must not be run.
	if _, code := f.exec("sh", "-c", "for d in /opt/ebpfdev/*/; do echo >>${d}ebpfdev; done"); code != 0 {
		t.Fatal(code)
	}
	if _, err := f.w.Open(t.Context(), api.OpenRequest{Folder: f.folder}); !errors.Is(err, api.ErrConflict) {
		t.Errorf("open: %v", err)
	}
}

func TestSettingsFillInABuild(t *testing.T) {
	f := newFixture(t, strings.Replace(config, `"remoteUser"`, `"customizations": {"ebpfdev": {"framework": "libbpf", "build": ["make", "it"]}}, "remoteUser"`, 1), dockerfile)
	status, err := f.w.Status(t.Context(), api.StatusRequest{Folder: f.folder})
	if err != nil || status.Framework != "libbpf" {
		t.Errorf("status: %+v, %v", status, err)
	}
	got := &recorder{}
	w := workspace.New(workspace.Options{Env: f.lookup, Local: func(context.Context, api.OpenRequest) (api.Session, error) { return got, nil }})
	s, err := w.Open(t.Context(), api.OpenRequest{Folder: f.folder, Target: api.TargetLocal})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Build(t.Context(), api.BuildRequest{Dir: "/x"}, nil); err != nil || strings.Join(got.build.Command, " ") != "make it" || got.build.Dir != "/x" {
		t.Errorf("build: %+v, %v", got.build, err)
	}
}

// recorder is a session that remembers what it was asked to build.
type recorder struct {
	api.Session
	build api.BuildRequest
}

func (r *recorder) Info() api.SessionInfo {
	return api.SessionInfo{Target: string(api.TargetLocal), Dir: "/x"}
}

func (r *recorder) Build(_ context.Context, req api.BuildRequest, _ func(api.BuildEvent) error) (api.BuildResult, error) {
	r.build = req
	return api.BuildResult{}, nil
}
