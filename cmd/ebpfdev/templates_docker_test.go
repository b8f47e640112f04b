//go:build docker && linux

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
			e.imageSize(tmpl)
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
			// A project that has a linter of its own lints, too: rustfmt and clippy are here alone.
			args = append(args, "sh", "-c", "! command -v ebpfdev && make && if grep -q ^lint: Makefile; then make lint; fi")
		}
		if out, err := exec.CommandContext(e.Context(), "devcontainer", args...).CombinedOutput(); err != nil {
			e.Fatalf("devcontainer %q: %v\n%s", args, err, out)
		}
	}
}

// imageSize holds the image's real size against what the template says of it, and
// against what it may have. Base images differ by some 40 MB between registries
// and those that `doctor --fix` makes.
func (e *templateTest) imageSize(tmpl api.Template) {
	e.Helper()
	var said float64
	var unit string
	if _, err := fmt.Sscanf(tmpl.ImageSize, "%g %s", &said, &unit); err != nil {
		e.Fatalf("%s: image size %q: %v", tmpl.ID, tmpl.ImageSize, err)
	}
	said *= map[string]float64{"MB": 1e6, "GB": 1e9}[unit]
	out, err := exec.CommandContext(e.Context(), "docker", "images", "-q", "--filter", "reference=vsc-reference-"+tmpl.ID+"-*").Output()
	if err != nil || len(out) == 0 {
		e.Fatalf("docker images: %q, %v", out, err)
	}
	out, err = exec.CommandContext(e.Context(), "docker", "image", "inspect", "--format", "{{.Size}}", strings.Fields(string(out))[0]).Output()
	if err != nil {
		e.Fatal(err)
	}
	size, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		e.Fatal(err)
	}
	limit := map[string]float64{"aya": 1.8 * (1 << 30), "bpftrace": 500 << 20}[tmpl.ID]
	if limit == 0 {
		limit = 1.2 * (1 << 30)
	}
	e.Logf("%s: image of %.0f MB", tmpl.ID, size/1e6)
	if math.Abs(size-said) > said/10 || size > limit {
		e.Errorf("%s: the image has %.0f MB; the template says %s, and %.0f MB are the limit", tmpl.ID, size/1e6, tmpl.ImageSize, limit/1e6)
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
