//go:build bench

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// What a person may wait for: a new project, and what ebpfdev adds to a build that
// has nothing to do.
const (
	newWithin   = 50 * time.Millisecond
	buildWithin = 200 * time.Millisecond
)

// BenchmarkTemplates times `new` for every framework, and a second `build` beside
// `docker exec … make build` in the same container and the same run.
func BenchmarkTemplates(b *testing.B) {
	ours := buildOurs(b)
	out, err := exec.Command(ours, "templates", "list", "-o", "json").Output()
	if err != nil {
		b.Fatal(err)
	}
	var list []api.Template
	if err := json.Unmarshal(out, &list); err != nil {
		b.Fatal(err)
	}
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "TEMPLATE\tNEW\tPROMISED\tBUILD AGAIN\tDOCKER EXEC MAKE\tADDED\tPROMISED\n")
	for range b.N {
		for _, tmpl := range list {
			benchTemplate(b, w, ours, tmpl.ID, tmpl.Kinds[0].ID)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	fmt.Printf("medians of %d interleaved runs, whole processes\n%s", rounds, table.String())
}

func benchTemplate(b *testing.B, w *tabwriter.Writer, ours, id, kind string) {
	b.Helper()
	var made, builds, makes []time.Duration
	var folder string
	for range rounds {
		folder = filepath.Join(b.TempDir(), "bench-"+id)
		made = append(made, timeOf(b, []string{ours, "new", "bench-" + id, "--template", id, "--kind", kind, "--workspace-folder", folder}))
	}
	run := func(args ...string) []byte {
		out, err := exec.Command(ours, append(args, "--workspace-folder", folder)...).Output()
		if err != nil {
			b.Fatalf("%q: %v\n%s", args, err, out)
		}
		return out
	}
	defer run("down", "--all")
	var up api.UpResult
	if err := json.Unmarshal(run("up", "-o", "json"), &up); err != nil {
		b.Fatal(err)
	}
	run("build")
	for range rounds {
		builds = append(builds, timeOf(b, []string{ours, "build", "--workspace-folder", folder}))
		makes = append(makes, timeOf(b, []string{"docker", "exec", "--user", up.RemoteUser, "--workdir", up.RemoteFolder, up.ContainerID, "make", "build"}))
	}
	added := median(builds) - median(makes)
	fmt.Fprintf(w, "%s\t%.1f ms\t%v\t%.0f ms\t%.0f ms\t%.0f ms\t%v\n",
		id, ms(median(made)), newWithin, ms(median(builds)), ms(median(makes)), ms(added), buildWithin)
	if median(made) > newWithin || added > buildWithin {
		b.Errorf("%s: new %.1f ms, build again %.0f ms more than make's own", id, ms(median(made)), ms(added))
	}
}

// buildOurs builds ebpfdev as it is released.
func buildOurs(b *testing.B) string {
	b.Helper()
	ours := filepath.Join(b.TempDir(), "ebpfdev")
	build := exec.Command("go", "build", "-trimpath", "-o", ours, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	return ours
}
