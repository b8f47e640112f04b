package debian_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kernel/debian"
	"github.com/ebpfdev/ebpfdev/internal/kernel/debiantest"
)

// The archives' names.
const (
	mainArchive = "debian"
	security    = "debian-security"
)

// open opens the archive at an address that trusts the test's key alone.
func open(t *testing.T, a *debiantest.Archive, addresses ...string) *debian.Archive {
	t.Helper()
	opts := debian.Options{Keys: a.Keys()}
	for _, address := range addresses {
		m, err := debian.NewMirror(address)
		if err != nil {
			t.Fatal(err)
		}
		opts.Mirrors = append(opts.Mirrors, m)
	}
	return debian.New(opts)
}

// image puts a package with a kernel of a credible size into an archive.
func image(a *debiantest.Archive, archive, name, version string) debian.Package {
	return a.AddPackage(archive, name, version, bytes.Repeat([]byte(name), 1<<20/len(name)+1))
}

func find(t *testing.T, archive *debian.Archive, version debian.Version, sha256 string) (debian.Kernel, []string, error) {
	t.Helper()
	var warnings []string
	k, err := archive.Find(t.Context(), version, sha256, func(p api.Progress) error {
		if p.State == api.StepWarning {
			warnings = append(warnings, p.Line)
		}
		return nil
	})
	return k, warnings, err
}

func TestFind(t *testing.T) {
	a := debiantest.New(t)
	archive := open(t, a, a.Serve())
	old := image(a, mainArchive, "linux-image-6.12.107+deb13-cloud-amd64", "6.12.107-1")
	recent := image(a, security, "linux-image-6.12.118+deb13-cloud-amd64", "6.12.118-1")
	backport := image(a, mainArchive, "linux-image-6.12.95+deb12-cloud-amd64", "6.12.95-1~bpo12+1")
	a.Publish(mainArchive, "trixie", []debian.Package{old})
	a.Publish(security, "trixie-security", []debian.Package{recent})
	a.Publish(mainArchive, "bookworm-backports", []debian.Package{backport}, "Valid-Until: Mon, 23 Nov 2020 08:10:14 UTC")

	k, warnings, err := find(t, archive, "6.12", "")
	if err != nil || k.Image != recent || k.Archive != security {
		t.Errorf("got %+v, %v", k, err)
	}
	if text := strings.Join(warnings, "\n"); !strings.Contains(text, "read index bookworm-security: download") || !strings.Contains(text, "days past its time") {
		t.Errorf("warned of %q", warnings)
	}
	if k, _, err := find(t, archive, "6.12.95", ""); err != nil || k.Image != backport {
		t.Errorf("an older one: %+v, %v", k, err)
	}
	if k, _, err := find(t, archive, "6.12", old.SHA256); err != nil || k.Image != old {
		t.Errorf("by its digest: %+v, %v", k, err)
	}
	_, _, err = find(t, archive, "6.12", strings.Repeat("0", 64))
	if api.KindOf(err) != api.ErrNotExist || !strings.Contains(err.Error(), recent.SHA256) {
		t.Errorf("an unknown digest: %v", err)
	}
	_, _, err = find(t, archive, "6.12.108", "")
	if api.KindOf(err) != api.ErrNotExist || !strings.Contains(err.Error(), "there is 6.12.107, 6.12.118") {
		t.Errorf("a version that is not there: %v", err)
	}
	_, _, err = find(t, archive, "6.18", "")
	if api.KindOf(err) != api.ErrNotExist {
		t.Errorf("no suite: %v", err)
	}
}

func TestFindTakesByHash(t *testing.T) {
	a := debiantest.New(t)
	archive := open(t, a, a.Serve())
	a.Publish(mainArchive, "trixie-backports", []debian.Package{image(a, mainArchive, "linux-image-6.18.5+deb13-cloud-amd64", "6.18.5-1")})
	const dir = "debian/dists/trixie-backports/main/binary-amd64/"
	index := a.Get(dir + "Packages.xz")
	a.Put(dir+"Packages.xz", []byte("a newer one, while the mirror is updated"))
	if _, _, err := find(t, archive, "6.18", ""); api.KindOf(err) != api.ErrUntrusted {
		t.Errorf("another index: %v", err)
	}
	for _, path := range a.Asked() {
		if strings.Contains(path, "by-hash/SHA256/") {
			a.Put(path, index)
		}
	}
	if _, _, err := find(t, archive, "6.18", ""); err != nil {
		t.Error(err)
	}
}

func TestIndexIsRefused(t *testing.T) {
	a := debiantest.New(t)
	address := a.Serve()
	packages := []debian.Package{image(a, mainArchive, "linux-image-6.18.5+deb13-cloud-amd64", "6.18.5-1")}
	const release = "debian/dists/trixie-backports/InRelease"
	sign := func(text string) func() { return func() { a.Put(release, a.Sign([]byte(text))) } }
	for name, tt := range map[string]struct {
		spoil func()
		kind  api.Kind
		cause string
	}{
		"good":          {func() {}, "", ""},
		"another key":   {func() { a.Put(release, debiantest.New(t).Sign([]byte("Suite: trixie-backports\n"))) }, api.ErrUntrusted, "signature"},
		"no signature":  {func() { a.Put(release, []byte("Suite: trixie-backports\n")) }, api.ErrUntrusted, "not signed"},
		"a changed one": {func() { a.Put(release, bytes.Replace(a.Get(release), []byte(" main/"), []byte(" mein/"), 1)) }, api.ErrUntrusted, "signature"},
		"another suite": {func() {
			a.Publish(mainArchive, "sid", packages)
			a.Put(release, a.Get("debian/dists/sid/InRelease"))
		}, api.ErrInvalid, `that of the suite "sid"`},
		"without an index":        {sign("Codename: trixie-backports\n"), api.ErrInvalid, "does not name main/binary-amd64/Packages.xz"},
		"an index of a huge size": {sign("Codename: trixie-backports\nSHA256:\n " + strings.Repeat("a", 64) + " 99999999999 main/binary-amd64/Packages.xz\n"), api.ErrInvalid, "99999999999"},
		"an odd time":             {func() { a.Publish(mainArchive, "trixie-backports", packages, "Valid-Until: soon") }, api.ErrInvalid, "valid-until"},
		"an index that is no xz": {func() {
			p := a.AddPackage(mainArchive, "x", "1", []byte("no index"))
			a.Put("debian/dists/trixie-backports/main/binary-amd64/Packages.xz", []byte("no index"))
			a.Put(release, a.Sign([]byte("Codename: trixie-backports\nSHA256:\n "+p.SHA256+" 8 main/binary-amd64/Packages.xz\n")))
		}, api.ErrInvalid, "read index trixie-backports: xz"},
	} {
		t.Run(name, func(t *testing.T) {
			a.Publish(mainArchive, "trixie-backports", packages)
			tt.spoil()
			_, _, err := find(t, open(t, a, address), "6.18", "")
			if api.KindOf(err) != tt.kind || (err != nil && !strings.Contains(err.Error(), tt.cause)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A mirror that is broken, or lies, does not keep the next one from being asked.
func TestMirrorsAreAskedInTurn(t *testing.T) {
	good, bad := debiantest.New(t), debiantest.New(t)
	p := image(good, mainArchive, "linux-image-6.18.5+deb13-cloud-amd64", "6.18.5-1")
	bad.Put("debian/"+p.Path, []byte("another file"))
	badAddress, goodAddress := bad.Serve(), good.Serve()
	for name, addresses := range map[string][]string{
		"one that lies":            {badAddress, goodAddress},
		"one without the file":     {badAddress + "/x", goodAddress},
		"one that does not answer": {"http://127.0.0.1:1/debian", goodAddress},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			reset := func() error { b.Reset(); return nil }
			source, err := open(t, good, addresses...).Download(t.Context(), mainArchive, p, &b, reset, nil)
			if err != nil || source != goodAddress+"/"+p.Path || int64(b.Len()) != p.Size {
				t.Errorf("%s, %d bytes, %v", source, b.Len(), err)
			}
		})
	}
	for name, tt := range map[string]struct {
		addresses []string
		kind      api.Kind
	}{
		"one lacks it":   {[]string{"http://127.0.0.1:1/debian", goodAddress + "/x", "http://127.0.0.1:1/other"}, api.ErrNotExist},
		"none answers":   {[]string{"http://127.0.0.1:1/debian"}, api.ErrUnreachable},
		"all lie":        {[]string{badAddress + "/x", badAddress}, api.ErrUntrusted},
		"all lack it":    {[]string{badAddress + "/x", goodAddress + "/x"}, api.ErrNotExist},
		"none to be had": {nil, api.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			reset := func() error { return nil }
			_, err := open(t, good, tt.addresses...).Download(t.Context(), mainArchive, p, new(bytes.Buffer), reset, nil)
			if api.KindOf(err) != tt.kind {
				t.Errorf("got %v", err)
			}
		})
	}
}
