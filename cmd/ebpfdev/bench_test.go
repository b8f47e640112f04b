//go:build bench

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"text/tabwriter"
	"time"
)

// rounds is how often each side of a comparison runs, in turns, so that what
// else the machine does hits both alike.
const rounds = 11

// comparison times one thing that both programs can do, as whole processes.
type comparison struct {
	name      string
	ours      []string
	reference []string
	ratio     float64       // ours may take at most this part of the reference's time; 0 for no promise
	limit     time.Duration // and at most this long; 0 for no limit
	rounds    int           // 0 for the usual number
}

// BenchmarkReference times ebpfdev beside the reference Dev Container CLI, in the
// same run and on the same container, and fails when a promise is not kept.
func BenchmarkReference(b *testing.B) {
	reference, err := exec.LookPath("devcontainer")
	if err != nil {
		missing(b, "the reference Dev Container CLI is not installed: npm install -g @devcontainers/cli")
	}
	ours := buildOurs(b)
	folder := benchWorkspace(b, ours)
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "WHAT\tEBPFDEV\tREFERENCE\tPART\tPROMISED\n")
	for range b.N {
		for _, c := range []comparison{
			{"version", []string{ours, "version"}, []string{reference, "--version"}, 1. / 5, 30 * time.Millisecond, 0},
			{
				"up, running",
				[]string{ours, "up", "--workspace-folder", folder},
				[]string{reference, "up", "--workspace-folder", folder},
				1. / 3, 0, 0,
			},
			{
				"exec true",
				[]string{ours, "exec", "--workspace-folder", folder, "--", "true"},
				[]string{reference, "exec", "--workspace-folder", folder, "true"},
				1. / 3, 0, 0,
			},
		} {
			c.run(b, w)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	fmt.Printf("medians of %d interleaved runs, whole processes\n%s", rounds, table.String())
}

// benchWorkspace brings a small workspace up and takes it down at the end.
func benchWorkspace(b *testing.B, ours string) string {
	b.Helper()
	folder := b.TempDir()
	config := filepath.Join(folder, ".devcontainer", "devcontainer.json")
	if err := os.MkdirAll(filepath.Dir(config), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(`{"image": "debian:trixie-slim", "remoteUser": "root"}`), 0o600); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command(ours, "up", "--workspace-folder", folder).CombinedOutput(); err != nil {
		missing(b, "no container to measure on: "+string(out))
	}
	b.Cleanup(func() {
		if out, err := exec.Command(ours, "down", "--workspace-folder", folder).CombinedOutput(); err != nil {
			b.Errorf("down: %v\n%s", err, out)
		}
	})
	return folder
}

// missing skips on a laptop and fails in CI.
func missing(b *testing.B, why string) {
	b.Helper()
	if os.Getenv("CI") == "true" {
		b.Fatal(why)
	}
	b.Skip(why)
}

func (c comparison) run(b *testing.B, w *tabwriter.Writer) {
	b.Helper()
	var ours, reference []time.Duration
	for range cmp.Or(c.rounds, rounds) {
		ours = append(ours, timeOf(b, c.ours))
		reference = append(reference, timeOf(b, c.reference))
	}
	mine, theirs := median(ours), median(reference)
	part := float64(mine) / float64(theirs)
	promised := fmt.Sprintf("%.2f", c.ratio)
	switch {
	case c.limit > 0 && c.ratio == 0:
		promised = c.limit.String()
	case c.limit > 0:
		promised += fmt.Sprintf(" and %v", c.limit)
	}
	fmt.Fprintf(w, "%s\t%.1f ms\t%.1f ms\t%.3f\t%s\n", c.name, ms(mine), ms(theirs), part, promised)
	if c.ratio > 0 && part > c.ratio || c.limit > 0 && mine > c.limit {
		b.Errorf("%s: %.1f ms beside %.1f ms, promised %s", c.name, ms(mine), ms(theirs), promised)
	}
}

func timeOf(b *testing.B, argv []string) time.Duration {
	b.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	if err != nil {
		b.Fatalf("%v: %v\n%s", argv, err, out)
	}
	return took
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
