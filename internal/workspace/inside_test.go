package workspace_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/workspace"
)

// Inside a dev container nobody should be told to install an engine there.
func TestInsideAContainerTheEngineIsOutside(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, ".devcontainer.json"), []byte(`{"image": "debian:trixie-slim"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, inside := range []bool{true, false} {
		ws := workspace.New(workspace.Options{
			Engine: func(context.Context) (engine.Engine, error) {
				return nil, api.Errorf("open engine", "", api.ErrEnvironment, "no container engine answers").WithHint("ebpfdev doctor --fix")
			},
			Env: func(name string) (string, bool) {
				if inside && name == "REMOTE_CONTAINERS" {
					return "true", true
				}
				return "", false
			},
		})
		_, err := ws.Up(t.Context(), api.UpRequest{Folder: folder}, func(api.Progress) error { return nil })
		if !errors.Is(err, api.ErrEnvironment) || strings.Contains(err.Error(), "outside") != inside {
			t.Errorf("inside %v: %v (hint %q)", inside, err, api.HintOf(err))
		}
	}
}
