//go:build kernel && linux

package templates_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/template"
	"github.com/ebpfdev/ebpfdev/templates"
)

// needs skips a test on a machine that lacks what it takes, and fails it in CI.
func needs(t *testing.T, tools ...string) {
	t.Helper()
	var missing []string
	if os.Geteuid() != 0 {
		missing = append(missing, "root")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if len(missing) == 0 {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("missing: %q", missing)
	}
	t.Skipf("missing: %q", missing)
}

// here lists the frameworks whose toolchain the tests' machine has. The others'
// projects are tested in their own containers: ebpfdev templates check.
var here = map[string]struct {
	tools    []string
	passed   string // what a test prints that has passed
	finished string // a command that prints what make build should have done; nothing when it did
}{
	"ebpf-go": {[]string{"go", "llvm-strip"}, "--- PASS: ", "go mod tidy -diff"},
	"libbpf":  {[]string{"setpriv"}, "\nok 1 - ", "make --no-print-directory --question build"},
}

// Each kind builds by its own Makefile, and its own tests pass on this kernel,
// none skipped, with the kernel's whole vmlinux.h too; cleaning leaves what was
// scaffolded.
func TestProjectsBuildAndPass(t *testing.T) {
	c := catalogue(t)
	list, err := c.Templates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tmpl := range list {
		framework, ok := here[tmpl.ID]
		if !ok {
			continue
		}
		needs(t, append(framework.tools, "make", "clang", "bpftool", "ip", "unshare")...)
		for _, kind := range tmpl.Kinds {
			t.Run(tmpl.ID+"/"+kind.ID, func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), "probe")
				res, err := c.Scaffold(t.Context(), api.ScaffoldRequest{Name: "probe", Folder: folder, Template: tmpl.ID, Kind: kind.ID})
				if err != nil {
					t.Fatal(err)
				}
				inProject(t, folder, "make build")
				if out := inProject(t, folder, "bin/probe --help 2>&1"); !strings.Contains(out, "Usage: ") {
					t.Errorf("help: %s", out)
				}
				out := inProject(t, folder, "make test")
				if strings.Contains(out, "SKIP") || !strings.Contains(out, framework.passed) {
					t.Errorf("tests:\n%s", out)
				}
				if out := inProject(t, folder, framework.finished); out != "" {
					t.Errorf("%s:\n%s", framework.finished, out)
				}
				inProject(t, folder, "make vmlinux build test")
				inProject(t, folder, "make clean")
				if got := files(t, folder); !slices.Equal(got, res.Files) {
					t.Errorf("after make clean %q, scaffolded %q", got, res.Files)
				}
			})
		}
	}
}

// The C sources are formatted as the template's own .clang-format says, those of
// other frameworks too.
func TestCSourcesAreFormatted(t *testing.T) {
	needs(t, "clang-format")
	for _, framework := range []string{"ebpf-go", "libbpf"} {
		var sources []string
		err := filepath.WalkDir(filepath.Join("_src", framework), func(name string, d fs.DirEntry, err error) error {
			if ext := filepath.Ext(name); err == nil && (ext == ".c" || ext == ".h") {
				sources = append(sources, name)
			}
			return err
		})
		if err != nil || len(sources) == 0 {
			t.Fatalf("%d sources, %v", len(sources), err)
		}
		args := append([]string{"--style=file:_src/libbpf/base/.clang-format", "--dry-run", "--Werror"}, sources...)
		if out, err := exec.CommandContext(t.Context(), "clang-format", args...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", framework, err, out)
		}
	}
}

// Python is formatted as black does by default.
func TestPythonSourcesAreFormatted(t *testing.T) {
	needs(t, "black")
	if out, err := exec.CommandContext(t.Context(), "black", "--check", "_src/bcc").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func catalogue(t *testing.T) *template.Catalogue {
	t.Helper()
	c, err := template.New(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// files returns what is in a project, sorted.
func files(t *testing.T, folder string) []string {
	t.Helper()
	var list []string
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// inProject runs a shell command in a project, with a tracefs of its own.
func inProject(t *testing.T, folder, command string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "--propagation", "private", "sh", "-c",
		"{ mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; } && "+command)
	cmd.Dir = folder
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", command, err, out, stderr.String())
	}
	return string(out)
}

// Names that mean something to Go or to make still build.
func TestAwkwardNames(t *testing.T) {
	needs(t, "go", "make", "clang", "llvm-strip", "bpftool", "unshare")
	c := catalogue(t)
	for framework, check := range map[string]string{"ebpf-go": "go vet ./...", "libbpf": "make --no-print-directory --question build"} {
		for _, name := range []string{"main", "test", "vendor", "A-b_9", "build", "out", "bin"} {
			t.Run(framework+"/"+name, func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), name)
				if _, err := c.Scaffold(t.Context(), api.ScaffoldRequest{Name: name, Folder: folder, Template: framework, Kind: "xdp"}); err != nil {
					t.Fatal(err)
				}
				inProject(t, folder, "make build && "+check+" && test -x bin/"+name)
			})
		}
	}
}

// Go takes no module that has the name of a package of its own.
func TestReservedNames(t *testing.T) {
	needs(t, "go")
	out, err := exec.CommandContext(t.Context(), "go", "list", "std").Output()
	if err != nil {
		t.Fatal(err)
	}
	c := catalogue(t)
	for _, name := range append(strings.Fields(string(out)), "go", "toolchain", "FMT") {
		_, err := c.Preview(t.Context(), api.ScaffoldRequest{Name: name, Template: "ebpf-go", Kind: "xdp"})
		if !errors.Is(err, api.ErrUsage) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
