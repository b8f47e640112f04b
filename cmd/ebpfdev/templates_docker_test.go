//go:build docker && linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/trial"
)

// TestEveryTemplate takes every kind of every template from nothing to an event,
// and builds the same scaffold with the reference Dev Container CLI alone.
func TestEveryTemplate(t *testing.T) {
	if ok, err := condition("docker"); err != nil {
		t.Fatal(err)
	} else if !ok {
		t.Skip("no container engine")
	}
	e := &templateTest{T: t, bin: filepath.Join(buildStatic(t), "ebpfdev"), dir: t.TempDir()}
	var list []api.Template
	if err := json.Unmarshal([]byte(e.ebpfdev("templates", "list", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, tmpl := range list {
		t.Run(tmpl.ID, func(t *testing.T) {
			e := &templateTest{T: t, bin: e.bin, dir: e.dir}
			for _, kind := range tmpl.Kinds {
				e.reference(tmpl.ID, kind.ID)
			}
			e.check(tmpl)
		})
	}
	if left, err := os.ReadDir(filepath.Join(e.dir, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}

// templateTest is a test of one template.
type templateTest struct {
	*testing.T
	bin, dir string
}

// ebpfdev runs a command and returns its standard output, whatever its exit code.
func (e *templateTest) ebpfdev(args ...string) string {
	e.Helper()
	tmp := filepath.Join(e.dir, "tmp")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		e.Fatal(err)
	}
	cmd := exec.CommandContext(e.Context(), e.bin, args...)
	cmd.Dir, cmd.Env = e.dir, append(os.Environ(), "TMPDIR="+tmp)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, e.Output()
	if err := cmd.Run(); err != nil && out.Len() == 0 {
		e.Fatalf("ebpfdev %q: %v", args, err)
	}
	return out.String()
}

// check runs `templates check` and wants every kind to be seen in the map and in
// the loader's output, with nothing left.
func (e *templateTest) check(tmpl api.Template) {
	e.Helper()
	var results []trial.Result
	out := e.ebpfdev("templates", "check", tmpl.ID, "--progress", "plain", "-o", "json")
	if err := json.Unmarshal([]byte(out), &results); err != nil {
		e.Fatalf("%v: %s", err, out)
	}
	if len(results) != len(tmpl.Kinds) {
		e.Errorf("%d of %d kinds were checked", len(results), len(tmpl.Kinds))
	}
	for _, r := range results {
		e.Logf("%s/%s: %s | %s | %v", r.Template, r.Kind, r.Entry, r.Output, r.Steps)
		if r.Error != "" || r.Entry == "" || r.Output == "" {
			e.Errorf("%s/%s: %s", r.Template, r.Kind, r.Error)
		}
	}
	for _, what := range [][]string{
		{"ps", "-aq", "--filter", "name=check-" + tmpl.ID},
		{"images", "-q", "--filter", "reference=vsc-check-" + tmpl.ID + "-*"},
	} {
		if left, err := exec.CommandContext(e.Context(), "docker", what...).Output(); err != nil || len(left) > 0 {
			e.Errorf("docker %q: %s, %v", what, left, err)
		}
	}
}

// reference builds a scaffold with the reference CLI, from its folder alone. Its
// image stays until the test ends: the check builds on the same layers.
func (e *templateTest) reference(template, kind string) {
	e.Helper()
	name := "reference-" + template + "-" + kind
	folder := filepath.Join(e.dir, name)
	e.ebpfdev("new", name, "--template", template, "--kind", kind)
	e.Cleanup(func() { e.ebpfdevDown(folder) })
	e.copyCertificates(filepath.Join(folder, ".devcontainer", "certs"))
	for _, args := range [][]string{{"up"}, {"exec"}} {
		args = append(args, "--workspace-folder", folder)
		if args[0] == "exec" {
			args = append(args, "sh", "-c", "! command -v ebpfdev && make")
		}
		if out, err := exec.CommandContext(e.Context(), "devcontainer", args...).CombinedOutput(); err != nil {
			e.Fatalf("devcontainer %q: %v\n%s", args, err, out)
		}
	}
}

// copyCertificates puts the machine's own certificates where the project's
// README says: the reference sends the folder as it is.
func (e *templateTest) copyCertificates(to string) {
	e.Helper()
	certificates, err := filepath.Glob("/usr/local/share/ca-certificates/*.crt")
	if err != nil {
		e.Fatal(err)
	}
	for _, name := range certificates {
		data, err := os.ReadFile(name)
		if err != nil {
			e.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(name)), data, 0o644); err != nil {
			e.Fatal(err)
		}
	}
}

func (e *templateTest) ebpfdevDown(folder string) {
	out, err := exec.Command(e.bin, "down", "--all", "--workspace-folder", folder).CombinedOutput()
	if err != nil {
		e.Errorf("down %s: %v\n%s", folder, err, out)
	}
}
