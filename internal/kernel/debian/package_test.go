package debian

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestPins(t *testing.T) {
	pins, err := Pins()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(pins, Compare) {
		t.Error("they are not in order")
	}
	seen := map[string]bool{}
	for _, k := range pins {
		series := Version(k.Upstream()).Series()
		if seen[series] {
			t.Errorf("%s is there twice", series)
		}
		seen[series] = true
		if k.Release() == "" || !k.cloud() {
			t.Errorf("%s is no kernel of the cloud flavour", k.Image.Name)
		}
		if security := strings.HasPrefix(k.Image.Path, "pool/updates/"); security != (k.Archive == archiveSecurity) {
			t.Errorf("%s is not in the archive %s", k.Image.Path, k.Archive)
		}
		if err := k.Image.check(); err != nil {
			t.Error(err)
		}
		if split := strings.HasPrefix(k.Image.Name, "linux-binary-"); split != (k.Config != nil) {
			t.Errorf("%s: its configuration is %v", k.Image.Name, k.Config)
		}
		if k.Config != nil {
			if err := k.Config.check(); err != nil {
				t.Error(err)
			}
		}
	}
	for _, series := range []string{"5.10", "6.1", "6.12", "6.18"} {
		if !seen[series] {
			t.Errorf("%s is not there", series)
		}
	}
}

func TestImageNames(t *testing.T) {
	for name, want := range map[string]string{
		"linux-image-5.10.0-46-cloud-amd64":                "5.10.0-46-cloud-amd64",
		"linux-image-6.1.0-0.deb11.52-cloud-amd64":         "6.1.0-0.deb11.52-cloud-amd64",
		"linux-image-6.12.118+deb13-amd64":                 "6.12.118+deb13-amd64",
		"linux-image-6.12.90+deb12.1-cloud-amd64":          "6.12.90+deb12.1-cloud-amd64",
		"linux-binary-7.3.4+deb13-cloud-amd64":             "7.3.4+deb13-cloud-amd64",
		"linux-binary-7.3-cloud-amd64":                     "7.3-cloud-amd64",
		"linux-image-6.12.118+deb13-cloud-amd64-unsigned":  "",
		"linux-binary-unsigned-7.2.13+deb14-cloud-amd64":   "",
		"linux-image-6.12.118+deb13-rt-amd64":              "",
		"linux-image-6.12.107+deb13-amd64-dbg":             "",
		"linux-image-6.12.118+deb13-arm64":                 "",
		"linux-image-cloud-amd64":                          "",
		"linux-base-7.3.4+deb13-cloud-amd64":               "",
		"linux-image-6.12/../../../etc/passwd-cloud-amd64": "",
	} {
		if got := (Kernel{Image: Package{Name: name}}).Release(); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// paragraph is a package of an index.
func paragraph(name, version string, size int) string {
	return fmt.Sprintf("Package: %s\nVersion: %s\nFilename: pool/main/l/linux/%s.deb\nSize: %d\nSHA256: %s\n\n", name, version, name, size, digest)
}

func TestKernelsIn(t *testing.T) {
	const big = 20 << 20
	index := paragraph("aaa", "1", big) +
		paragraph("linux-image-6.12-cloud-amd64", "6.12.9-1", 1500) + // depends on the newest one
		paragraph("linux-image-6.12.107+deb13-amd64-dbg", "6.12.107-1", 1<<30) +
		paragraph("linux-image-6.12.118+deb13-cloud-amd64", "6.12.118-1", big) +
		paragraph("linux-image-6.12.118+deb13-amd64", "6.12.118-1", big) +
		paragraph("linux-image-6.12.9+deb13-cloud-amd64", "6.12.9-1", big) +
		paragraph("linux-base-7.3.4+deb13-cloud-amd64", "7.3.4-1", 1000) +
		paragraph("linux-image-7.3.4+deb13-cloud-amd64", "7.3.4-1", 1900) +
		paragraph("linux-binary-7.3.4+deb13-cloud-amd64", "7.3.4-1", big) +
		paragraph("linux-binary-7.1.1+deb13-cloud-amd64", "7.1.1-1", big)
	kernels, err := kernelsIn(archiveMain, strings.NewReader(index))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range kernels {
		s := k.Release()
		if k.Config != nil {
			s += " " + k.Config.Name
		}
		got = append(got, s)
	}
	want := []string{
		"6.12.9+deb13-cloud-amd64", "6.12.118+deb13-amd64", "6.12.118+deb13-cloud-amd64",
		"7.1.1+deb13-cloud-amd64", "7.3.4+deb13-cloud-amd64 linux-base-7.3.4+deb13-cloud-amd64",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestKernelsInRefuses(t *testing.T) {
	good := paragraph("linux-image-6.12.9+deb13-cloud-amd64", "6.12.9-1", 20<<20)
	for name, index := range map[string]string{
		"another host": strings.Replace(good, "pool/main", "//example.org/pool", 1),
		"a climb":      strings.Replace(good, "pool/main", "pool/../..", 1),
		"a query":      strings.Replace(good, ".deb", ".deb?x", 1),
		"no digest":    strings.Replace(good, digest, "", 1),
		"no size":      strings.Replace(good, "Size: 2", "Size: x2", 1),
		"a huge size":  strings.Replace(good, "Size: 2", "Size: 9992", 1),
		"no version":   strings.Replace(good, "Version: 6.12.9-1", "Version:", 1),
	} {
		if got, err := kernelsIn(archiveMain, strings.NewReader(index)); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestNewest(t *testing.T) {
	kernel := func(name, version string) Kernel {
		return Kernel{Image: Package{Name: name, Version: version, SHA256: name}}
	}
	all := []Kernel{
		kernel("linux-image-6.12.118+deb13-cloud-amd64", "6.12.118-1"),
		kernel("linux-image-6.12.117+deb12-cloud-amd64", "6.12.117-1~deb12u1"),
		kernel("linux-image-6.12.119+deb13-amd64", "6.12.119-1"),
		kernel("linux-image-6.1.0-56-cloud-amd64", "6.1.192-2"),
		kernel("linux-image-6.1.0-55-cloud-amd64", "6.1.192-1"),
		kernel("linux-image-6.16.1-amd64", "6.16.1-1"),
	}
	for version, want := range map[Version]string{
		"6.12":                       "linux-image-6.12.118+deb13-cloud-amd64",
		"6.12.117":                   "linux-image-6.12.117+deb12-cloud-amd64",
		"6.12.119":                   "linux-image-6.12.119+deb13-amd64",
		"6.12.118+deb13-cloud-amd64": "linux-image-6.12.118+deb13-cloud-amd64",
		"6.1":                        "linux-image-6.1.0-56-cloud-amd64",
		"6.1.192":                    "linux-image-6.1.0-56-cloud-amd64",
		"6.1.0-55-cloud-amd64":       "linux-image-6.1.0-55-cloud-amd64",
		"6.16":                       "linux-image-6.16.1-amd64",
		"6":                          "",
		"6.11":                       "",
		"6.12.11":                    "",
	} {
		if got, _ := newest(all, version, ""); got.Image.Name != want {
			t.Errorf("%s: %q", version, got.Image.Name)
		}
	}
	if got, _ := newest(all, "6.12", "linux-image-6.12.117+deb12-cloud-amd64"); got.Upstream() != "6.12.117" {
		t.Errorf("by its digest: %+v", got)
	}
	if got, ok := newest(all, "6.1", "linux-image-6.12.117+deb12-cloud-amd64"); ok {
		t.Errorf("another series by its digest: %+v", got)
	}
}

func TestParseVersion(t *testing.T) {
	for _, s := range []string{"6.12", "6.12.9", "5.10.0-46-cloud-amd64", "6.12.9+deb13-cloud-amd64", "7.3~rc7"} {
		if v, err := ParseVersion(s); err != nil || string(v) != s {
			t.Errorf("%s: %q, %v", s, v, err)
		}
	}
	for _, s := range []string{"", "6", "v6.12", "6.12/..", "6.12.9 x", "latest", "6.12\n", "../6.12", "6.12abc"} {
		if _, err := ParseVersion(s); api.KindOf(err) != api.ErrUsage {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzKernelsIn(f *testing.F) {
	f.Add(paragraph("linux-image-6.12.9+deb13-cloud-amd64", "6.12.9-1", 20<<20) + paragraph("linux-base-7.3.4-amd64", "1", 2))
	f.Fuzz(func(t *testing.T, index string) {
		kernels, err := kernelsIn(archiveMain, strings.NewReader(index))
		if err != nil {
			return
		}
		for _, k := range kernels {
			if strings.Contains(k.Release(), "/") || !strings.HasPrefix(k.Image.Path, "pool/") || strings.Contains(k.Image.Path, "..") {
				t.Errorf("%+v", k)
			}
		}
	})
}

func FuzzRelease(f *testing.F) {
	f.Add([]byte("Suite: sid\nSHA256:\n " + digest + " 12 main/binary-amd64/Packages.xz\nValid-Until: Mon, 30 Nov 2026 08:10:14 UTC\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if rel, err := parseRelease("sid", text); err == nil && (len(rel.index.sha256) != 64 || rel.index.size > maxIndex) {
			t.Errorf("%+v", rel)
		}
	})
}
