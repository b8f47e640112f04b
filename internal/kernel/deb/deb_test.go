package deb_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebpfdev/ebpfdev/internal/kernel/deb"
	"github.com/ebpfdev/ebpfdev/internal/kernel/debiantest"
)

const both = deb.Image | deb.Config

func TestReadKernel(t *testing.T) {
	boot := []debiantest.File{
		{Name: "./boot/System.map-6.12.9+deb13-cloud-amd64", Data: []byte("map")},
		{Name: "./boot/config-6.12.9+deb13-cloud-amd64", Data: []byte("config")},
		{Name: "./boot/vmlinuz-6.12.9+deb13-cloud-amd64", Data: []byte("image")},
	}
	want := deb.Kernel{Release: "6.12.9+deb13-cloud-amd64", Image: []byte("image"), Config: []byte("config")}
	for name, tt := range map[string]struct {
		package_ []byte
		parts    deb.Part
		want     deb.Kernel
	}{
		"xz":                 {debiantest.Deb(t, "xz", boot...), both, want},
		"zstd":               {debiantest.Deb(t, "zst", boot...), both, want},
		"gzip":               {debiantest.Deb(t, "gz", boot...), both, want},
		"not compressed":     {debiantest.Deb(t, "", boot...), both, want},
		"only the image":     {debiantest.Deb(t, "xz", boot...), deb.Image, deb.Kernel{Release: want.Release, Image: want.Image}},
		"no kernel":          {debiantest.Deb(t, "xz", debiantest.File{Name: "./usr/bin/x"}), both, deb.Kernel{}},
		"of a modules' path": {debiantest.Deb(t, "xz", debiantest.File{Name: "./usr/lib/modules/7.3.4+deb13-cloud-amd64/vmlinuz", Data: []byte("i")}), both, deb.Kernel{Release: "7.3.4+deb13-cloud-amd64", Image: []byte("i")}},
		"a module's config":  {debiantest.Deb(t, "xz", debiantest.File{Name: "./usr/lib/modules/7.3.4/build/config", Data: []byte("i")}), both, deb.Kernel{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := deb.ReadKernel(bytes.NewReader(tt.package_), tt.parts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is behind the kernel's files is not read: modules are nine tenths of a package.
func TestReadKernelStops(t *testing.T) {
	noise := make([]byte, 4<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 8)
	}
	data := debiantest.Deb(t, "",
		debiantest.File{Name: "boot/vmlinuz-6.1", Data: []byte("i")}, debiantest.File{Name: "boot/config-6.1", Data: []byte("c")},
		debiantest.File{Name: "lib/modules/6.1/kernel/x.ko", Data: noise})
	r := bytes.NewReader(data)
	if _, err := deb.ReadKernel(r, both); err != nil {
		t.Fatal(err)
	}
	if r.Len() < len(noise)/2 {
		t.Errorf("only %d of %d bytes were left", r.Len(), len(data))
	}
}

func TestReadKernelRefuses(t *testing.T) {
	good := debiantest.KernelDeb(t, "6.12.9")
	file := func(name string) debiantest.File { return debiantest.File{Name: name, Data: []byte("x")} }
	header := bytes.Clone(good)
	copy(header[8+58:], "xx")
	size := bytes.Clone(good)
	copy(size[8+48:], "-1        ")
	for name, tt := range map[string]struct {
		package_ []byte
		want     string
	}{
		"nothing":                  {nil, "it is no ar archive"},
		"another file":             {[]byte("PK\x03\x04 and so on"), "it is no ar archive"},
		"no data":                  {debiantest.Ar(debiantest.File{Name: "debian-binary"}), "the package has no data.tar"},
		"an unknown compression":   {debiantest.Ar(debiantest.File{Name: "data.tar.lz"}), "not a compression that is known"},
		"not that compression":     {debiantest.Ar(debiantest.File{Name: "data.tar.xz", Data: []byte("text")}), "unpack data.tar.xz"},
		"cut":                      {good[:len(good)-300], "unexpected EOF"},
		"a header that is none":    {header, "a member without a header"},
		"a size below zero":        {size, `a member of "-1        " bytes`},
		"a release that climbs":    {debiantest.Deb(t, "gz", file("./boot/vmlinuz-..")), `a kernel of the release ".."`},
		"a release with a newline": {debiantest.Deb(t, "gz", file("./boot/vmlinuz-6.1\nx")), `a kernel of the release "6.1\nx"`},
		"two kernels":              {debiantest.Deb(t, "gz", file("./boot/vmlinuz-6.1"), file("./boot/config-6.2")), "files of two kernels"},
		"a configuration too large": {
			debiantest.Deb(t, "gz", debiantest.File{Name: "./boot/config-6.1", Data: make([]byte, 5<<20)}), "config has 5242880 bytes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := deb.ReadKernel(bytes.NewReader(tt.package_), both); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got the release %q, %v", got.Release, err)
			}
		})
	}
}

// The order is that of `dpkg --compare-versions`.
func TestCompareVersions(t *testing.T) {
	ordered := []string{
		"1.0~rc1-1", "1.0~rc1-1+b1", "1.0-1~bpo12+1", "1.0-1", "1.0-1+deb12u1", "1.0-2", "1.0-10", "1.0a-1", "1.0+git-1", "1.0.1-1",
		"5.10.9-1", "5.10.262-1", "6.1.192-2", "6.12.9-1", "6.12.118-1", "7.3~rc7-1~exp1", "7.3.4-1~bpo13+1", "1:0.1",
	}
	for i, a := range ordered {
		for j, b := range ordered {
			if got, want := deb.CompareVersions(a, b), sign(i-j); sign(got) != want {
				t.Errorf("%s and %s: %d, want %d", a, b, got, want)
			}
		}
	}
	for _, same := range [][2]string{{"1.0", "1.00"}, {"0:1", "1"}, {"1-0", "1"}} {
		if got := deb.CompareVersions(same[0], same[1]); got != 0 {
			t.Errorf("%q: %d", same, got)
		}
	}
}

func sign(n int) int { return min(max(n, -1), 1) }

func TestUpstream(t *testing.T) {
	for version, want := range map[string]string{
		"6.12.118-1": "6.12.118", "6.12.95-1~bpo12+1": "6.12.95", "2:5.10-rc-1": "5.10-rc", "7.3~rc7-1~exp1": "7.3~rc7", "1": "1",
	} {
		if got := deb.Upstream(version); got != want {
			t.Errorf("%s: %s", version, got)
		}
	}
}

func TestParagraphs(t *testing.T) {
	const text = "\n\nPackage: one\nDepends: a,\n b\n\n\nPackage: two\nodd line\nEMPTY:\n first\n  second\n\nPackage: three\n"
	var got []deb.Paragraph
	keep := func(first string) bool { return first != "Package: three" }
	err := deb.Paragraphs(strings.NewReader(text), keep, func(p deb.Paragraph) error {
		got = append(got, p)
		return nil
	})
	want := []deb.Paragraph{{"package": "one", "depends": "a,\nb"}, {"package": "two", "empty": "\nfirst\nsecond"}}
	if err != nil || !cmp.Equal(want, got) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
	stop := errors.New("stop")
	if err := deb.Paragraphs(strings.NewReader(text), nil, func(deb.Paragraph) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	long := io.MultiReader(strings.NewReader("a: "), strings.NewReader(strings.Repeat("x", 2<<20)))
	if err := deb.Paragraphs(long, nil, func(deb.Paragraph) error { return nil }); err == nil {
		t.Error("a line without an end was read")
	}
}

func FuzzReadKernel(f *testing.F) {
	for _, compression := range []string{"xz", "zst", "gz", ""} {
		f.Add(debiantest.Deb(f, compression, debiantest.File{Name: "./boot/vmlinuz-6.1", Data: []byte("i")}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := deb.ReadKernel(bytes.NewReader(data), both)
		if err == nil && (strings.ContainsAny(k.Release, "/\\\x00\n") || k.Release == "..") {
			t.Errorf("%q", k.Release)
		}
	})
}

func FuzzParagraphs(f *testing.F) {
	f.Add([]byte("Package: one\nDepends: a,\n b\n\nPackage: two\n"))
	f.Add([]byte(" x\n:\n\t\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = deb.Paragraphs(bytes.NewReader(data), nil, func(p deb.Paragraph) error {
			if len(p) == 0 {
				return errors.New("an empty paragraph")
			}
			return nil
		})
	})
}

func FuzzCompareVersions(f *testing.F) {
	f.Add("1:6.12~rc1-1", "6.12-1+b1")
	f.Fuzz(func(t *testing.T, a, b string) {
		if x, y := deb.CompareVersions(a, b), deb.CompareVersions(b, a); sign(x) != -sign(y) {
			t.Errorf("%d and %d", x, y)
		}
		list := []string{a, b, "6.12.9-1"}
		slices.SortFunc(list, deb.CompareVersions)
	})
}
