package template

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/templates"
)

// The image holds exactly the crates that an Aya project starts from: else its
// first build would need the network.
func TestImageHoldsTheProjectsCrates(t *testing.T) {
	crate := regexp.MustCompile(`(?m)^\[\[package\]\]\nname = "(.+)"\nversion = "(.+)"\nsource = "registry\+.*"\nchecksum = "(.+)"$`)
	dependency := regexp.MustCompile(`(?m)^\[(?:workspace\.)?dependencies\]\n((?:.+\n)+)`)
	own := regexp.MustCompile(`(?m)^.*\bpath = .*\n`)
	everyProject(t, func(t *testing.T, req api.ScaffoldRequest, files []file) {
		if req.Template != "aya" {
			return
		}
		read := func(name string) []byte { return files[slices.Index(paths(files), name)].data }
		crates := func(name string) []string {
			var list []string
			for _, m := range crate.FindAllStringSubmatch(string(read(name)), -1) {
				list = append(list, fmt.Sprint(m[1:]))
			}
			return list
		}
		want, got := crates("Cargo.lock"), crates(".devcontainer/crates/Cargo.lock")
		if len(want) < 10 || !slices.Equal(got, want) {
			t.Errorf("the image's crates are %q, the project's %q", got, want)
		}
		dependencies := func(name string) string {
			m := dependency.FindSubmatch(read(name))
			if m == nil {
				t.Fatalf("%s has no dependencies", name)
			}
			return string(own.ReplaceAll(m[1], nil))
		}
		if want, got := dependencies("Cargo.toml"), dependencies(".devcontainer/crates/Cargo.toml"); got != want {
			t.Errorf("the image fetches\n%s\nthe project needs\n%s", got, want)
		}
	})
}

// Rust sources name their licence, and the BPF code may call GPL-only helpers and
// may be taken under either licence.
func TestRustLicences(t *testing.T) {
	found := 0
	err := fs.WalkDir(templates.FS, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".rs" {
			return err
		}
		data, err := fs.ReadFile(templates.FS, name)
		want := "// SPDX-License-Identifier: BSD-2-Clause\n"
		if strings.Contains(name, "/ebpf/") {
			want = "// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause\n"
		}
		if strings.HasSuffix(name, "/ebpf/src/main.rs") {
			found++
			if !bytes.Contains(data, []byte(`static LICENSE: [u8; 13] = *b"Dual BSD/GPL\0";`)) {
				t.Errorf("%s: no licence for the kernel", name)
			}
		}
		if !bytes.HasPrefix(data, []byte(want)) {
			t.Errorf("%s: does not begin with %q", name, want)
		}
		return err
	})
	if err != nil || found == 0 {
		t.Fatalf("%d files of BPF code, %v", found, err)
	}
}
