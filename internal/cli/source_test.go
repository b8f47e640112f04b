package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestSourcePaths(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"bpf/exec.bpf.c", "cmd/two/bpf/two.bpf.c"} {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := sources{folder: folder, dir: "/workspaces/probe"}
	tests := []struct{ file, object, want string }{
		{"", "exec.o", ""},
		{"bpf/exec.bpf.c", "exec_bpfel.o", "bpf/exec.bpf.c"},
		{"./bpf/exec.bpf.c", "exec_bpfel.o", "bpf/exec.bpf.c"},
		{"bpf/two.bpf.c", "cmd/two/two_bpfel.o", "cmd/two/bpf/two.bpf.c"},
		{"/workspaces/probe/bpf/exec.bpf.c", "exec.o", "bpf/exec.bpf.c"},
		{"/usr/include/bpf/bpf_tracing.h", "exec.o", "/usr/include/bpf/bpf_tracing.h"},
		{"gone.bpf.c", "exec.o", "gone.bpf.c"},
		{"../outside.c", "exec.o", "../outside.c"},
	}
	for _, tt := range tests {
		if got := s.path(tt.file, api.Object{Path: tt.object}); got != tt.want {
			t.Errorf("path(%q) of object %q = %q, want %q", tt.file, tt.object, got, tt.want)
		}
	}
}

func TestToolLinesNameTheProjectsFiles(t *testing.T) {
	s := sources{dir: "/workspaces/probe"}
	for text, want := range map[string]string{
		"/workspaces/probe/bpf/exec.bpf.c:1:2: error: x":        "bpf/exec.bpf.c:1:2: error: x",
		"In file included from /workspaces/probe/bpf/a.h:3:":    "In file included from bpf/a.h:3:",
		"/workspaces/probe2/bpf/exec.bpf.c:1:2: error: x":       "/workspaces/probe2/bpf/exec.bpf.c:1:2: error: x",
		"cc -I/workspaces/probe/bpf -c /workspaces/probe/bpf.c": "cc -I/workspaces/probe/bpf -c /workspaces/probe/bpf.c",
	} {
		if got := s.line(text); got != want {
			t.Errorf("line(%q) = %q, want %q", text, got, want)
		}
	}
}
