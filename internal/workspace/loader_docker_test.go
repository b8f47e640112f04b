//go:build docker && linux

package workspace_test

import (
	"os"
	"path/filepath"

	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

// asLoader does the work of a process that loads BPF programs, when the test
// binary was started as one in a container.
func asLoader() (code int, was bool) { return kerneltest.Loader() }

// loader puts this binary into the workspace and returns the argv that makes it
// such a process in there.
func (f *fixture) loader() []string {
	f.t.Helper()
	self, err := os.Executable()
	if err != nil {
		f.t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.folder, "loader"), data, 0o755); err != nil {
		f.t.Fatal(err)
	}
	return []string{"/workspaces/" + filepath.Base(f.folder) + "/loader", kerneltest.LoaderWord}
}
