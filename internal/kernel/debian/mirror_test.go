package debian

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/aptsource"
)

func TestMirrors(t *testing.T) {
	source := func(uri string, suites ...string) aptsource.Source {
		return aptsource.Source{URI: uri, Suites: suites, Components: []string{"main"}}
	}
	for name, tt := range map[string]struct {
		sources []aptsource.Source
		want    []Mirror
	}{
		"no apt": {nil, []Mirror{official()}},
		"a mirror with a security mirror of its own": {
			[]aptsource.Source{source("http://one.example/debian/", "trixie", "trixie-updates"), source("http://sec.example/debian-security", "trixie-security")},
			[]Mirror{
				{Main: "http://one.example/debian"},
				{Security: "http://one.example/debian-security"},
				{Security: "http://sec.example/debian-security"},
				official(),
			},
		},
		"an older way to write security": {
			[]aptsource.Source{source("http://sec.example/x", "stable-security/updates")},
			[]Mirror{{Security: "http://sec.example/x"}, official()},
		},
		"Ubuntu, others and what is no address": {
			[]aptsource.Source{
				source("http://archive.ubuntu.com/ubuntu", "noble", "noble-security"), source("cdrom:[Debian]/", "trixie"),
				source("file:/srv/debian", "trixie"),
				{URI: "https://docker.example/debian", Suites: []string{"trixie"}, Components: []string{"stable"}},
			},
			[]Mirror{official()},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Mirrors(tt.sources)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	mirrors := Mirrors([]aptsource.Source{{URI: "http://one.example/debian", Suites: []string{"sid"}, Components: []string{"main"}}})
	for archive, want := range map[string][]string{
		archiveMain:     {"http://one.example/debian/pool/x", "https://deb.debian.org/debian/pool/x"},
		archiveSecurity: {"http://one.example/debian-security/pool/x", "https://deb.debian.org/debian-security/pool/x"},
	} {
		if got := addresses(mirrors, archive, "pool/x"); !slices.Equal(got, want) {
			t.Errorf("%s: %q", archive, got)
		}
	}
}

func TestNewMirror(t *testing.T) {
	if m, err := NewMirror("https://m.example/debian/"); err != nil || m != (Mirror{"https://m.example/debian", "https://m.example/debian-security"}) {
		t.Errorf("%+v, %v", m, err)
	}
	for _, address := range []string{"", "m.example/debian", "ftp://m.example/debian", "http://", "http://m.example/debian?x", "http://[::1"} {
		if _, err := NewMirror(address); api.KindOf(err) != api.ErrUsage {
			t.Errorf("%q: %v", address, err)
		}
	}
}
