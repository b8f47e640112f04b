//go:build bench && linux

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// benchEntries is how many entries the hash has that is read.
const benchEntries = 1_000_000

// BenchmarkMaps times ebpfdev beside bpftool, and what is used with it, on one hash
// in the same run, and fails when a promise is not kept.
func BenchmarkMaps(b *testing.B) {
	for _, tool := range []string{"bpftool", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(b, tool+" is not installed: apt-get install bpftool jq")
		}
	}
	ours := buildOurs(b)
	id := benchHash(b)
	// What is printed goes nowhere, or this process would be timed too.
	sh := func(script string) []string { return []string{"sh", "-c", script + " >/dev/null 2>&1"} }
	dump := func(args string) []string { return sh(ours + " map dump " + id + " --target local " + args) }
	peer := "bpftool -j map dump id " + id
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "WHAT\tEBPFDEV\tREFERENCE\tPART\tPROMISED\n")
	for range b.N {
		for _, c := range []comparison{
			{"dump as JSON", dump("-o json"), sh(peer), 1. / 8, 0, 5},
			{"first page", dump("--limit 100"), sh(peer + " | head -c 20000"), 0, 100 * time.Millisecond, 5},
			{
				"--where, beside grep", dump("--where 'bytes == 999990' -o ndjson"),
				sh("bpftool map dump id " + id + ` | grep -B 3 -A 2 '"bytes": 999990'`), 1. / 12, 0, 3,
			},
			{
				"--where, beside jq", dump("--where 'bytes > 999990' -o ndjson"),
				sh(peer + " | jq -c '.[] | select(.formatted.value.bytes > 999990)'"), 1. / 12, 0, 1,
			},
			{
				"--sort --limit 50", dump("--sort -bytes --limit 50"),
				sh(peer + " | jq -c 'sort_by(-.formatted.value.bytes)[:50][]'"), 1. / 12, 0, 1,
			},
		} {
			c.run(b, w)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	fmt.Printf("medians of interleaved runs, whole processes, a hash of %d entries\n%s", benchEntries, table.String())
}

// benchHash makes a hash of __u64 to struct traffic with BTF and returns its id.
func benchHash(b *testing.B) string {
	b.Helper()
	long := &btf.Int{Name: "__u64", Size: 8}
	value := &btf.Struct{Name: "traffic", Size: 16, Members: []btf.Member{
		{Name: "bytes", Type: long}, {Name: "packets", Type: long, Offset: 64},
	}}
	m, err := ebpf.NewMap(&ebpf.MapSpec{
		Name: "bench", Type: ebpf.Hash, KeySize: 8, ValueSize: 16, MaxEntries: benchEntries, Key: long, Value: value,
	})
	if err != nil {
		missing(b, "no map can be made: "+err.Error())
	}
	b.Cleanup(func() { _ = m.Close() })
	const batch = 10_000
	keys, values := make([]uint64, batch), make([][2]uint64, batch)
	for at := uint64(0); at < benchEntries; at += batch {
		for i := range keys {
			keys[i], values[i] = 7919*(at+uint64(i)), [2]uint64{at + uint64(i), 3}
		}
		if _, err := m.BatchUpdate(keys, values, nil); err != nil {
			b.Fatal(err)
		}
	}
	info, err := m.Info()
	if err != nil {
		b.Fatal(err)
	}
	id, _ := info.ID()
	return strconv.Itoa(int(id))
}
