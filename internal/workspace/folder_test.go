package workspace_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/workspace"
)

func TestAFolderThatNoMountCanName(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("such a folder cannot be made here")
	}
	folder := filepath.Join(t.TempDir(), "a\nb")
	if err := os.MkdirAll(filepath.Join(folder, ".devcontainer"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, ".devcontainer", "devcontainer.json"), []byte(`{"image": "x"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := workspace.New(workspace.Options{}).Up(t.Context(), api.UpRequest{Folder: folder}, nil)
	if !errors.Is(err, api.ErrUsage) {
		t.Errorf("up: %v", err)
	}
}
