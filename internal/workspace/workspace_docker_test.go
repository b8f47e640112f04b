//go:build docker

package workspace_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/engine/docker"
	"github.com/ebpfdev/ebpfdev/internal/workspace"
)

// base is the image of every fixture; it must be on the machine.
const base = "debian:trixie-slim"

// binary builds the program that goes into containers, once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ebpfdev-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "ebpfdev")
	cmd := exec.Command("go", "build", "-o", path, "github.com/ebpfdev/ebpfdev/cmd/ebpfdev")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// need skips a test on a machine without a part, and fails it in CI.
func need(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("%s: %v", what, err)
}

func openEngine(ctx context.Context) (engine.Engine, error) {
	e, err := docker.Open(ctx, docker.Options{})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// fixture is a workspace folder in a test's own world.
type fixture struct {
	t      *testing.T
	folder string
	w      *workspace.Workspace
	e      engine.Engine
	env    map[string]string
}

// config is the usual devcontainer.json of a fixture.
const config = `{
	// a comment
	"build": {"dockerfile": "Dockerfile"},
	"mounts": ["type=volume,source=wst-${devcontainerId},target=/data",
		"type=volume,source=wst-bin-${devcontainerId},target=/opt/ebpfdev"],
	"remoteUser": "dev",
	"containerEnv": {"CONTAINER": "c"},
	"remoteEnv": {"REMOTE": "${containerEnv:CONTAINER}-r"},
}`

const dockerfile = `FROM ` + base + `
ENV PATH=/opt/ebpfdev/current:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN useradd --create-home --shell /bin/bash --uid 1000 dev
`

func newFixture(t *testing.T, json, dockerfile string) *fixture {
	t.Helper()
	return newFixtureNamed(t, "ws-"+strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")), json, dockerfile)
}

func newFixtureNamed(t *testing.T, name, json, dockerfile string) *fixture {
	t.Helper()
	e, err := openEngine(t.Context())
	need(t, "engine", err)
	_, err = e.InspectImage(t.Context(), base)
	need(t, "base image", err)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), name)
	f := &fixture{t: t, folder: folder, e: e, env: map[string]string{"XDG_RUNTIME_DIR": t.TempDir()}}
	f.write(".devcontainer/devcontainer.json", json)
	if dockerfile != "" {
		f.write(".devcontainer/Dockerfile", dockerfile)
	}
	f.w = workspace.New(workspace.Options{
		Engine: openEngine, Executable: path, Version: "test", Env: f.lookup,
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		f.write(".devcontainer/devcontainer.json", json)
		if _, err := f.w.Down(ctx, api.DownRequest{Folder: folder, All: true}); err != nil {
			t.Errorf("down: %v", err)
		}
		if left := f.left(ctx); len(left) > 0 {
			t.Errorf("left after down: %v", left)
		}
		_ = e.Close()
		_ = f.w.Close()
	})
	return f
}

func (f *fixture) lookup(name string) (string, bool) {
	value, ok := f.env[name]
	return value, ok
}

func (f *fixture) write(name, text string) {
	f.t.Helper()
	path := filepath.Join(f.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) labels() map[string]string {
	return devcontainer.IDLabels(f.folder, filepath.Join(f.folder, ".devcontainer", "devcontainer.json"))
}

// left returns what the engine has of this workspace.
func (f *fixture) left(ctx context.Context) []string {
	f.t.Helper()
	id := devcontainer.ID(f.labels())
	var left []string
	for _, labels := range []map[string]string{f.labels(), {"dev.ebpfdev.workspace": id}} {
		list, err := f.e.ListContainers(ctx, labels)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, c := range list {
			left = append(left, "container "+c.Name)
		}
	}
	volumes, err := f.e.ListVolumes(ctx, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, v := range volumes {
		if strings.Contains(v.Name, id) {
			left = append(left, "volume "+v.Name)
		}
	}
	matches, err := filepath.Glob(filepath.Join(f.env["XDG_RUNTIME_DIR"], "ebpfdev", "*"))
	if err != nil {
		f.t.Fatal(err)
	}
	return append(left, matches...)
}

func (f *fixture) up(req api.UpRequest) (api.UpResult, error) {
	req.Folder = f.folder
	return f.w.Up(f.t.Context(), req, func(p api.Progress) error {
		if p.State == api.StepFailed || p.State == api.StepWarning {
			f.t.Logf("%s %s: %s", p.Step, p.State, p.Line)
		}
		return nil
	})
}

func (f *fixture) mustUp() api.UpResult {
	f.t.Helper()
	res, err := f.up(api.UpRequest{})
	if err != nil {
		f.t.Fatalf("up: %v", err)
	}
	return res
}

func (f *fixture) exec(args ...string) (string, int) {
	f.t.Helper()
	var out, errOut bytes.Buffer
	code, err := f.w.Exec(f.t.Context(), api.ExecRequest{Folder: f.folder, Args: args, Streams: api.Streams{Out: &out, Err: &errOut}})
	if err != nil {
		f.t.Fatalf("exec %v: %v", args, err)
	}
	if errOut.Len() > 0 {
		f.t.Logf("exec %v: %s", args, errOut.String())
	}
	return out.String(), code
}

func (f *fixture) reference(args ...string) (string, error) {
	f.t.Helper()
	path, err := exec.LookPath("devcontainer")
	need(f.t, "reference CLI", err)
	cmd := exec.CommandContext(f.t.Context(), path, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, stderr.String())
	}
	return string(out), err
}

func TestUpTwiceIsOneContainer(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	first := f.mustUp()
	if !first.Created || !first.Started || first.RemoteUser != "dev" || first.RemoteFolder != "/workspaces/"+filepath.Base(f.folder) {
		t.Errorf("first up: %+v", first)
	}
	second := f.mustUp()
	if second.Created || second.Started || second.ContainerID != first.ContainerID {
		t.Errorf("second up: %+v", second)
	}
	out, code := f.exec("sh", "-c", "id -un; pwd; echo $CONTAINER $REMOTE $HOME; ls -l /opt/ebpfdev/current/ebpfdev; which ebpfdev")
	want := []string{"dev\n", first.RemoteFolder + "\n", "c c-r /home/dev\n", "-rwxr-xr-x 1 root root", "/opt/ebpfdev/current/ebpfdev\n"}
	for _, w := range want {
		if code != 0 || !strings.Contains(out, w) {
			t.Errorf("exec: code %d, no %q in %q", code, w, out)
		}
	}
	status, err := f.w.Status(t.Context(), api.StatusRequest{Folder: f.folder})
	if err != nil || status.State != "running" || status.RemoteUser != "dev" || len(status.Volumes) != 2 {
		t.Errorf("status: %+v, %v", status, err)
	}
}

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
		{[]string{"no-such-command"}, 126}, // what this engine says; others 127
		{[]string{"/etc/passwd"}, 126},
	} {
		if out, code := f.exec(c.args...); code != c.code && (c.code != 126 || code != 127) {
			t.Errorf("exec %v: code %d, want %d; %s", c.args, code, c.code, out)
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

func TestReferenceReusesOurs(t *testing.T) {
	f := newFixture(t, strings.Replace(config, `"remoteUser"`, `"postCreateCommand": "echo ran >>/tmp/hooks", "remoteUser"`, 1), dockerfile)
	ours := f.mustUp()
	if _, err := f.reference("exec", "--workspace-folder", f.folder, "true"); err != nil {
		t.Errorf("devcontainer exec: %v", err)
	}
	out, err := f.reference("up", "--workspace-folder", f.folder)
	if err != nil {
		t.Fatalf("devcontainer up: %v", err)
	}
	var answer struct{ ContainerID, RemoteUser, RemoteWorkspaceFolder string }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if answer.ContainerID != ours.ContainerID || answer.RemoteUser != ours.RemoteUser || answer.RemoteWorkspaceFolder != ours.RemoteFolder {
		t.Errorf("reference has %+v, we have %+v", answer, ours)
	}
	if text, _ := f.exec("cat", "/tmp/hooks"); text != "ran\n" {
		t.Errorf("hook ran: %q", text)
	}
}

func TestWeReuseTheReferences(t *testing.T) {
	f := newFixture(t, strings.Replace(config, `"remoteUser"`, `"postCreateCommand": "echo ran >>/tmp/hooks", "remoteUser"`, 1), dockerfile)
	out, err := f.reference("up", "--workspace-folder", f.folder)
	if err != nil {
		t.Fatalf("devcontainer up: %v", err)
	}
	if text, code := f.exec("sh", "-c", "echo $REMOTE; cat /tmp/hooks"); code != 0 || text != "c-r\nran\n" {
		t.Errorf("exec before up: %d %q", code, text)
	}
	ours := f.mustUp()
	if ours.Created || !strings.Contains(out, ours.ContainerID) {
		t.Errorf("reference: %s; we: %+v", out, ours)
	}
	if text, _ := f.exec("cat", "/tmp/hooks"); text != "ran\n" {
		t.Errorf("hook ran: %q", text)
	}
}

const hooksConfig = `{
	"build": {"dockerfile": "Dockerfile"},
	"remoteUser": "dev",
	"onCreateCommand": "echo onCreate >>/tmp/order",
	"updateContentCommand": ["sh", "-c", "echo updateContent >>/tmp/order"],
	"postCreateCommand": {"one": "echo postCreate >>/tmp/order", "two": ["true"]},
	"postStartCommand": "echo postStart >>/tmp/order",
	"postAttachCommand": "echo postAttach >>/tmp/order"
}`

func TestHooksAndMarkers(t *testing.T) {
	f := newFixture(t, hooksConfig, dockerfile)
	res := f.mustUp()
	order := "onCreate\nupdateContent\npostCreate\npostStart\npostAttach\n"
	if text, _ := f.exec("cat", "/tmp/order"); text != order {
		t.Errorf("order: %q", text)
	}
	c, err := f.e.InspectContainer(t.Context(), res.ContainerID)
	if err != nil {
		t.Fatal(err)
	}
	created, started := c.CreatedRaw+"\n", c.StartedRaw+"\n"
	want := strings.Repeat(created, 3) + started
	text, _ := f.exec("sh", "-c", "cd ~/.devcontainer && cat .onCreateCommandMarker .updateContentCommandMarker .postCreateCommandMarker .postStartCommandMarker")
	if text != want {
		t.Errorf("markers: %q, want %q", text, want)
	}
	f.mustUp()
	if text, _ := f.exec("cat", "/tmp/order"); text != order+"postAttach\n" {
		t.Errorf("after the second up: %q", text)
	}
	if _, err := f.reference("up", "--workspace-folder", f.folder); err != nil {
		t.Fatal(err)
	}
	if text, _ := f.exec("cat", "/tmp/order"); text != order+"postAttach\npostAttach\n" {
		t.Errorf("after the reference's up: %q", text)
	}
}

func TestFailuresLeaveNothing(t *testing.T) {
	for name, c := range map[string]struct {
		json, dockerfile string
		kind             api.Kind
		cause            string
	}{
		"no Dockerfile": {`{"build": {"dockerfile": "Nope"}}`, dockerfile, api.ErrNotExist, "no such Dockerfile"},
		"failing RUN":   {config, dockerfile + "RUN echo sorry; exit 3\n", api.ErrTool, "sorry"},
		"bad bind": {
			strings.Replace(config, `"mounts": [`, `"mounts": ["type=bind,source=/no/such/path,target=/x",`, 1),
			dockerfile, "", "/no/such/path",
		},
		"bad volume": {
			strings.Replace(config, `"mounts": [`, `"mounts": ["type=volume,source=wst-bad-${devcontainerId},target=/x,volume-opt=type=nosuchfs,volume-opt=device=x",`, 1),
			dockerfile, "", "",
		},
		"unknown runtime": {strings.Replace(config, `"mounts"`, `"runArgs": ["--runtime=nope"], "mounts"`, 1), dockerfile, "", "nope"},
		"no shell":        {`{"image": "ebpfdev/scratch:latest"}`, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, c.json, c.dockerfile)
			_, err := f.up(api.UpRequest{})
			if err == nil {
				t.Fatal("up succeeded")
			}
			t.Logf("%v (hint: %s)", err, api.HintOf(err))
			if (c.kind != "" && !errors.Is(err, c.kind)) || !strings.Contains(err.Error(), c.cause) {
				t.Errorf("error: %v (%s)", err, api.KindOf(err))
			}
			for _, left := range f.left(t.Context()) {
				if !strings.HasSuffix(left, ".lock") {
					t.Errorf("left: %s", left)
				}
			}
		})
	}
}

func TestFailingHookKeepsTheContainer(t *testing.T) {
	f := newFixture(t, strings.Replace(config, `"remoteUser"`, `"postCreateCommand": "echo why; exit 9", "remoteUser"`, 1), dockerfile)
	_, err := f.up(api.UpRequest{})
	var tool *api.ToolError
	if !errors.As(err, &tool) || tool.ExitCode != 9 || !strings.Contains(tool.Stderr, "why") {
		t.Fatalf("up: %v", err)
	}
	if _, code := f.exec("true"); code != 0 {
		t.Errorf("exec: %d", code)
	}
}

func TestInitializeNeedsTrust(t *testing.T) {
	f := newFixture(t, strings.Replace(config, `"remoteUser"`, `"initializeCommand": "echo here >initialized", "remoteUser"`, 1), dockerfile)
	if _, err := f.up(api.UpRequest{}); !errors.Is(err, api.ErrUntrusted) {
		t.Fatalf("up: %v", err)
	}
	if left := f.left(t.Context()); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if _, err := f.up(api.UpRequest{Trust: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(f.folder, "initialized")); err != nil {
		t.Error(err)
	}
}

func TestParallelUps(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	path, _ := binary()
	const n = 20
	var group sync.WaitGroup
	errs := make([]error, n)
	created := make([]bool, n)
	for i := range n {
		group.Go(func() {
			w := workspace.New(workspace.Options{Engine: openEngine, Executable: path, Env: f.lookup})
			defer func() { _ = w.Close() }()
			res, err := w.Up(t.Context(), api.UpRequest{Folder: f.folder}, nil)
			errs[i], created[i] = err, res.Created
		})
	}
	group.Wait()
	made := 0
	for i := range n {
		if errs[i] != nil && !errors.Is(errs[i], api.ErrConflict) {
			t.Errorf("up %d: %v", i, errs[i])
		}
		if created[i] {
			made++
		}
	}
	list, err := f.e.ListContainers(t.Context(), f.labels())
	if err != nil || len(list) != 1 || made != 1 {
		t.Errorf("%d containers, %d made, %v", len(list), made, err)
	}
}

func TestFilesBelongToTheOwner(t *testing.T) {
	if os.Getuid() != 0 {
		need(t, "root", errors.New("files of another user need root"))
	}
	f := newFixture(t, config, dockerfile)
	if err := exec.Command("chown", "-R", "1234:1234", f.folder).Run(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(f.folder), 0o755); err != nil {
		t.Fatal(err)
	}
	f.mustUp()
	if out, code := f.exec("sh", "-c", "id -u; id -g; touch made; stat -c %u:%g ~"); code != 0 || out != "1234\n1234\n1234:1234\n" {
		t.Errorf("exec: %d %q", code, out)
	}
	out, err := exec.Command("stat", "-c", "%u:%g", filepath.Join(f.folder, "made")).Output()
	if err != nil || string(out) != "1234:1234\n" {
		t.Errorf("made: %s, %v", out, err)
	}
}

func TestCertificatesAreInTheContext(t *testing.T) {
	f := newFixture(t, config, dockerfile+"COPY certs/ /certs/\n")
	f.write(".devcontainer/certs/README.md", "here")
	f.write("machine/extra.crt", "certificate")
	f.env["EBPFDEV_CA_CERTIFICATES"] = filepath.Join(f.folder, "machine")
	f.mustUp()
	if out, code := f.exec("cat", "/certs/README.md", "/certs/extra.crt"); code != 0 || out != "herecertificate" {
		t.Errorf("exec: %d %q", code, out)
	}
	if _, err := os.Stat(filepath.Join(f.folder, ".devcontainer/certs/extra.crt")); err == nil {
		t.Error("the certificate was written into the project")
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

func TestCancelTakesBack(t *testing.T) {
	for _, at := range []string{"image", "create", "start", "agent", "hook postCreateCommand"} {
		t.Run(at, func(t *testing.T) {
			f := newFixture(t, strings.Replace(config, `"remoteUser"`, `"postCreateCommand": "echo go; cat /dev/zero >/dev/null", "remoteUser"`, 1), dockerfile)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err := f.w.Up(ctx, api.UpRequest{Folder: f.folder}, func(p api.Progress) error {
				if p.Step == at && (p.State == api.StepRunning || at != "hook postCreateCommand") {
					cancel()
				}
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("up: %v", err)
			}
			for _, left := range f.left(t.Context()) {
				if strings.HasPrefix(left, "container") || strings.HasPrefix(left, "volume") {
					t.Errorf("left: %s", left)
				}
			}
		})
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

func TestPrivilegedSaysWhatIsMissing(t *testing.T) {
	f := newFixture(t, strings.Replace(config, `"remoteUser"`, `"privileged": true, "remoteUser"`, 1), dockerfile)
	res := f.mustUp()
	out, _ := f.exec("sh", "-c", "cat /proc/1/status | grep CapBnd")
	t.Logf("missing %v; %s", res.Missing, out)
	have, err := engine.StatusCapabilities(strings.NewReader(out), "CapBnd")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range res.Missing {
		if strings.Contains(strings.Join(have, " ")+" ", name+" ") {
			t.Errorf("%s is there", name)
		}
	}
	if len(res.Missing)+len(have) != len(engine.Capabilities()) {
		t.Errorf("missing %v, have %v", res.Missing, have)
	}
}

// TestMain lets the test binary be its own child: an up that can be killed.
func TestMain(m *testing.M) {
	if folder := os.Getenv("EBPFDEV_TEST_UP"); folder != "" {
		w := workspace.New(workspace.Options{
			Engine: openEngine, Executable: os.Getenv("EBPFDEV_TEST_BINARY"), Env: os.LookupEnv,
		})
		if _, err := w.Up(context.Background(), api.UpRequest{Folder: folder}, nil); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func (f *fixture) child() *exec.Cmd {
	path, _ := binary()
	cmd := exec.CommandContext(f.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "EBPFDEV_TEST_UP="+f.folder, "EBPFDEV_TEST_BINARY="+path, "XDG_RUNTIME_DIR="+f.env["XDG_RUNTIME_DIR"])
	return cmd
}

func TestKilledAtAnyMoment(t *testing.T) {
	f := newFixture(t, strings.Replace(config, `"remoteUser"`, `"postCreateCommand": "true", "remoteUser"`, 1), dockerfile)
	whole := time.Now()
	if out, err := f.child().CombinedOutput(); err != nil {
		t.Fatalf("up: %v: %s", err, out)
	}
	took := time.Since(whole)
	const rounds = 20
	for i := range rounds {
		if _, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder}); err != nil {
			t.Fatal(err)
		}
		cmd := f.child()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Moments spread over the whole run, each somewhere in its own slice.
		<-time.After(took*time.Duration(i)/rounds + time.Duration(rand.Int64N(int64(took)/rounds)))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if _, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder}); err != nil {
			t.Fatal(err)
		}
		if left := f.left(t.Context()); len(left) > 0 {
			t.Errorf("round %d: left after down: %v", i, left)
		}
	}
	f.mustUp()
}

func TestUpAfterAKilledOne(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	for i := range 4 {
		cmd := f.child()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(i) * 250 * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		f.mustUp()
		list, err := f.e.ListContainers(t.Context(), f.labels())
		if err != nil || len(list) != 1 {
			t.Errorf("round %d: %d containers, %v", i, len(list), err)
		}
		if _, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPrivateNames(t *testing.T) {
	for _, name := range []string{"with space", "comma, quote' and \"more\"", "ünïcode-名", "-dash", "$HOME `x`"} {
		t.Run(name, func(t *testing.T) {
			f := newFixtureNamed(t, name, config, dockerfile)
			f.mustUp()
			if out, code := f.exec("pwd"); code != 0 || out != "/workspaces/"+name+"\n" {
				t.Errorf("pwd: %d %q", code, out)
			}
		})
	}
}

func TestAFeatureIsRefusedByName(t *testing.T) {
	f := newFixture(t, `{"image": "`+base+`", "features": {"ghcr.io/x/y": {}}}`, "")
	if _, err := f.up(api.UpRequest{}); !errors.Is(err, api.ErrNotSupported) || !strings.Contains(err.Error(), "devcontainer.json:1:45") {
		t.Errorf("up: %v", err)
	}
	if status, err := f.w.Status(t.Context(), api.StatusRequest{Folder: f.folder}); err != nil || status.State != "none" {
		t.Errorf("status: %+v, %v", status, err)
	}
}

func TestVolumeThatIsNotWhatItClaims(t *testing.T) {
	f := newFixture(t, strings.Replace(config, `"mounts": [`, `"mounts": ["type=volume,source=wst-bpf-${devcontainerId},target=/sys/fs/bpf,volume-opt=type=bpf,volume-opt=device=bpf",`, 1), dockerfile)
	name := "wst-bpf-" + devcontainer.ID(f.labels())
	if err := f.e.CreateVolume(t.Context(), engine.VolumeSpec{Name: name}); err != nil {
		t.Fatal(err)
	}
	res := f.mustUp()
	if !strings.Contains(strings.Join(res.Warnings, "\n"), "/sys/fs/bpf is not bpf") {
		t.Errorf("warnings: %q", res.Warnings)
	}
	if _, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder}); err != nil {
		t.Fatal(err)
	}
	if res = f.mustUp(); len(res.Warnings) > 0 {
		t.Errorf("warnings: %q", res.Warnings)
	}
}

func TestStopAndStart(t *testing.T) {
	f := newFixture(t, hooksConfig, dockerfile)
	res := f.mustUp()
	if out, err := exec.CommandContext(t.Context(), "docker", "stop", "-t", "0", res.ContainerID).CombinedOutput(); err != nil {
		need(t, "docker command", fmt.Errorf("%w: %s", err, out))
	}
	status, err := f.w.Status(t.Context(), api.StatusRequest{Folder: f.folder})
	if err != nil || status.State != "exited" {
		t.Errorf("status: %+v, %v", status, err)
	}
	if _, err := f.w.Exec(t.Context(), api.ExecRequest{Folder: f.folder, Args: []string{"true"}}); !errors.Is(err, api.ErrEnvironment) {
		t.Errorf("exec: %v", err)
	}
	if again := f.mustUp(); again.Created || !again.Started || again.ContainerID != res.ContainerID {
		t.Errorf("up: %+v", again)
	}
	want := "onCreate\nupdateContent\npostCreate\npostStart\npostAttach\npostStart\npostAttach\n"
	if text, _ := f.exec("cat", "/tmp/order"); text != want {
		t.Errorf("order: %q", text)
	}
	var lines []string
	err = f.w.Logs(t.Context(), api.LogsRequest{Folder: f.folder}, func(l api.LogLine) error {
		lines = append(lines, l.Text)
		return nil
	})
	if err != nil || strings.Join(lines, "|") != "Container started|Container started" {
		t.Errorf("logs: %q, %v", lines, err)
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

func TestDownWithoutAConfiguration(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	path := filepath.Join(f.folder, ".devcontainer", "devcontainer.json")
	for name, spoil := range map[string]func() error{
		"broken": func() error { return os.WriteFile(path, []byte("{"), 0o644) },
		"gone":   func() error { return os.Remove(path) },
		"folder": func() error { return os.RemoveAll(f.folder) },
	} {
		f.write(".devcontainer/devcontainer.json", config)
		f.write(".devcontainer/Dockerfile", dockerfile)
		f.mustUp()
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		res, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder})
		if err != nil || len(res.Removed) != 3 {
			t.Errorf("%s: %v, %v", name, res.Removed, err)
		}
		if left := f.left(t.Context()); len(left) > 0 {
			t.Errorf("%s: left after down: %v", name, left)
		}
		if _, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder}); err == nil {
			t.Errorf("%s: a second down found something", name)
		}
	}
}

// meagre is an engine whose machine cannot grant everything: what Engine 20.10
// answers to privileged where the bounding set is short.
type meagre struct {
	engine.Engine
	mu         sync.Mutex
	privileged map[string]bool
	specs      []engine.ContainerSpec
}

func (m *meagre) CreateContainer(ctx context.Context, spec engine.ContainerSpec) (string, error) {
	id, err := m.Engine.CreateContainer(ctx, spec)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.privileged[id] = spec.Privileged
	m.specs = append(m.specs, spec)
	return id, err
}

func (m *meagre) StartContainer(ctx context.Context, id string) error {
	m.mu.Lock()
	refused := m.privileged[id]
	m.mu.Unlock()
	if refused {
		return api.E("start container", id, api.ErrNotSupported, engine.ErrCapabilities)
	}
	return m.Engine.StartContainer(ctx, id)
}

func TestStartsWithFewerCapabilities(t *testing.T) {
	f := newFixture(t, strings.Replace(config, `"remoteUser"`, `"privileged": true, "remoteUser"`, 1), dockerfile)
	m := &meagre{Engine: f.e, privileged: map[string]bool{}}
	path, _ := binary()
	w := workspace.New(workspace.Options{
		Engine: func(context.Context) (engine.Engine, error) { return m, nil }, Executable: path, Env: f.lookup,
	})
	res, err := w.Up(t.Context(), api.UpRequest{Folder: f.folder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.e.InspectContainer(t.Context(), res.ContainerID)
	if err != nil || c.Privileged || len(c.CapAdd) < 35 {
		t.Errorf("privileged %v, capabilities %v, %v", c.Privileged, c.CapAdd, err)
	}
	if out, code := f.exec("cat", "/proc/1/status"); code != 0 {
		t.Errorf("%d %s", code, out)
	} else if have, err := engine.StatusCapabilities(strings.NewReader(out), "CapBnd"); err != nil || len(have)+len(res.Missing) != len(engine.Capabilities()) {
		t.Errorf("have %v, missing %v, %v", have, res.Missing, err)
	}
	list, err := f.e.ListContainers(t.Context(), f.labels())
	if err != nil || len(list) != 1 {
		t.Errorf("%d containers, %v", len(list), err)
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

func (r *recorder) Build(_ context.Context, req api.BuildRequest, _ func(api.BuildEvent) error) (api.BuildResult, error) {
	r.build = req
	return api.BuildResult{}, nil
}
