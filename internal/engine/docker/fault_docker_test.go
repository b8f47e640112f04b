//go:build docker && linux

package docker_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/engine/docker"
)

// ownEngine is an engine that a test may kill. It has its own network, mount and
// pid namespaces, so that it can touch neither the bridge nor the containerd of
// the machine's engine, and dies with all it started.
type ownEngine struct {
	*docker.Engine
	dir  string
	host string
}

func startOwnEngine(t *testing.T) *ownEngine {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, errors.New("starting an engine needs root"))
	}
	for _, program := range []string{"dockerd", "unshare"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, err)
		}
	}
	dir, err := os.MkdirTemp("", "ebpfdev-own-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	parent := filepath.Base(dir)
	t.Cleanup(func() { removeCgroups(t, parent) })
	o := &ownEngine{dir: dir, host: "unix://" + dir + "/s"}
	script := `mkdir -p /run/containerd && mount -t tmpfs tmpfs /run/containerd && dockerd --data-root "$1/data" --exec-root "$1/exec" \
		--pidfile "$1/pid" --host "unix://$1/s" --bridge none --iptables=false --ip6tables=false --cgroup-parent "/$2" >"$1/log" 2>&1 & read -r end`
	cmd := exec.CommandContext(after(t), "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, "sh", dir, parent)
	// The shell is the first process of its pid namespace: when its input ends,
	// everything in there does, and only then has unshare ended.
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		_ = cmd.Wait()
	})
	deadline := time.Now().Add(60 * time.Second)
	for o.Engine == nil {
		if o.Engine, err = docker.Open(t.Context(), docker.Options{Host: o.host}); err == nil {
			break
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(dir + "/log")
			t.Fatalf("%v\n%s", err, log)
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// removeCgroups removes what a killed engine leaves of its containers, once the
// last of their processes has ended.
func removeCgroups(t *testing.T, parent string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		var left []string
		for _, pattern := range []string{parent, "*/" + parent} {
			tops, _ := filepath.Glob("/sys/fs/cgroup/" + pattern)
			for _, top := range tops {
				left = append(left, removeTree(top)...)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("left behind: %v", left)
			return
		}
		<-time.After(20 * time.Millisecond)
	}
}

// removeTree removes folders, the innermost first, and returns those that stay.
func removeTree(top string) (left []string) {
	var dirs []string
	_ = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	slices.Reverse(dirs)
	for _, d := range dirs {
		if syscall.Rmdir(d) != nil {
			left = append(left, d)
		}
	}
	return left
}

// kill ends the engine's process, and only it, without a warning.
func (o *ownEngine) kill(t *testing.T) {
	t.Helper()
	comms, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range comms {
		line, _ := os.ReadFile(path)
		if !bytes.HasPrefix(line, []byte("dockerd\x00")) || !bytes.Contains(line, []byte(o.dir)) {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatal("its process was not found")
}

// importShell makes an image of this machine's shell and sleep.
func (o *ownEngine) importShell(t *testing.T) string {
	t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	add := func(name, from string) {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		hdr := &tar.Header{Name: strings.TrimPrefix(name, "/"), Mode: 0o755, Size: int64(len(content))}
		if err := tw.WriteHeader(hdr); err != nil {
			t.Fatal(err)
		}
		_, _ = tw.Write(content)
	}
	libraries := map[string]bool{}
	for _, program := range []string{"sh", "sleep"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Fatal(err)
		}
		add("/bin/"+program, path)
		out, err := exec.CommandContext(t.Context(), "ldd", path).Output()
		if err != nil {
			missing(t, err)
		}
		for _, lib := range regexp.MustCompile(`/\S+`).FindAllString(string(out), -1) {
			if !libraries[lib] {
				libraries[lib] = true
				add(lib, lib)
			}
		}
	}
	_ = tw.Close()
	if _, err := o.ImportImage(t.Context(), "shell:test", nil, &buf); err != nil {
		t.Fatal(err)
	}
	return "shell:test"
}

// soon fails when more than ten seconds have passed.
func soon(t *testing.T, since time.Time) {
	t.Helper()
	if took := time.Since(since); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestEngineKilledDuringABuild(t *testing.T) {
	o := startOwnEngine(t)
	dir := folder(t, map[string]string{"Dockerfile": "FROM " + o.importShell(t) + "\nRUN echo now && sleep 600\n"})
	var killed time.Time
	_, err := o.BuildImage(t.Context(), engine.BuildSpec{Context: dir, Tag: "x:y"}, func(p api.Progress) error {
		if p.Line == "now" && killed.IsZero() {
			killed = time.Now()
			o.kill(t)
		}
		return nil
	})
	if killed.IsZero() {
		t.Fatalf("the build ended before: %v", err)
	}
	wantKind(t, err, api.ErrUnreachable)
	soon(t, killed)
	if !strings.Contains(err.Error(), "went away") {
		t.Error(err)
	}
}

func TestEngineKilledDuringAnExec(t *testing.T) {
	o := startOwnEngine(t)
	id, err := o.CreateContainer(t.Context(), engine.ContainerSpec{
		Image: o.importShell(t), Cmd: []string{"sleep", "600"}, NetworkMode: "none",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.StartContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	p, err := o.Exec(t.Context(), id, sh("echo ready; sleep 600"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if _, err := io.ReadFull(p.Stdout(), make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := o.WaitContainer(after(t), id)
		waiting <- err
	}()
	killed := time.Now()
	o.kill(t)
	r := finish(t, p, nil)
	wantKind(t, r.wait, api.ErrUnreachable)
	wantKind(t, <-waiting, api.ErrUnreachable)
	soon(t, killed)
	_, err = o.ListContainers(t.Context(), nil)
	wantKind(t, err, api.ErrUnreachable)
	_, err = docker.Open(t.Context(), docker.Options{Host: o.host})
	wantKind(t, err, api.ErrEnvironment)
}
