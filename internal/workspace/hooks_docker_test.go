//go:build docker

package workspace_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
)

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
	// The same user, folder and environment, whichever tool runs a command.
	const look = "id; pwd; env | grep -v ^_= | sort"
	theirs, err := f.reference("exec", "--workspace-folder", f.folder, "sh", "-c", look)
	if text, code := f.exec("sh", "-c", look); code != 0 || err != nil || text != theirs {
		t.Errorf("exec: %d\n%s\nthe reference: %v\n%s", code, text, err, theirs)
	}
	status, err := f.w.Status(t.Context(), api.StatusRequest{Folder: f.folder})
	if base := devcontainer.ImageName(f.folder); err != nil || strings.TrimSuffix(status.Image, "-uid") != base {
		t.Errorf("the reference's image is %s (%v), ours %s", status.Image, err, base)
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
