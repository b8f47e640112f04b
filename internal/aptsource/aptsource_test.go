package aptsource_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/ebpfdev/ebpfdev/internal/aptsource"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestRead(t *testing.T) {
	root := fstest.MapFS{
		"etc/apt/sources.list": file("# deb http://no.example x main\ndeb-src http://src.example trixie main\n" +
			"deb [arch=amd64 signed-by=/x] http://one.example/debian trixie main contrib # c\ndeb http://flat.example ./\ndebris\n"),
		"etc/apt/sources.list.d/a.sources": file("# c\nTypes: deb deb-src\nURIs: http://two.example/debian\n http://three.example\n" +
			"Suites: bookworm\n# c\n bookworm-updates\nComponents: main\n\nEnabled: no\nTypes: deb\nURIs: http://off.example\nSuites: x\nComponents: main\n"),
		"etc/apt/sources.list.d/b.list": file("deb cdrom:[Debian]/ trixie main\n"),
		"etc/apt/sources.list.d/c.bak":  file("deb http://bak.example x main\n"),
	}
	want := []aptsource.Source{
		{URI: "http://one.example/debian", Suites: []string{"trixie"}, Components: []string{"main", "contrib"}},
		{URI: "http://flat.example", Suites: []string{"./"}, Components: []string{}},
		{URI: "http://two.example/debian", Suites: []string{"bookworm", "bookworm-updates"}, Components: []string{"main"}},
		{URI: "http://three.example", Suites: []string{"bookworm", "bookworm-updates"}, Components: []string{"main"}},
		{URI: "cdrom:[Debian]/", Suites: []string{"trixie"}, Components: []string{"main"}},
	}
	if diff := cmp.Diff(want, aptsource.Read(root)); diff != "" {
		t.Error(diff)
	}
	if got := aptsource.Read(fstest.MapFS{}); got != nil {
		t.Errorf("an empty machine has %v", got)
	}
}
