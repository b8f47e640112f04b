package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/therootcompany/xz"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kernel/download"
)

// Limits in bytes. Debian's largest InRelease has 0.2 MB, its largest index 11 MB
// (65 MB unpacked), its largest package of a kernel 110 MB.
const (
	maxRelease  = 4 << 20
	maxIndex    = 64 << 20
	maxUnpacked = 512 << 20
	maxPackage  = 512 << 20
	maxWindow   = 128 << 20 // how far back a compressor may refer
)

// Options say where kernels come from and what is trusted.
type Options struct {
	Mirrors  []Mirror // asked in this order, until one has a file
	Keys     Keys
	Download download.Client
	Pins     []Kernel         // packages that are known without an index
	Now      func() time.Time // nil for time.Now
}

// Archive is Debian's archive, as its mirrors have it.
type Archive struct{ opts Options }

// New returns an archive.
func New(opts Options) *Archive {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Archive{opts}
}

// Sizes is told how many bytes of how many are there.
type Sizes func(done, total int64) error

// Download writes a package of a kernel's archive to w and returns the address
// that had it. reset is called before each try.
// Errors: as download.Client.Get.
func (a *Archive) Download(ctx context.Context, archive string, p Package, w io.Writer, reset func() error, fn Sizes) (string, error) {
	return a.get(ctx, archive, download.File{URL: p.Path, SHA256: p.SHA256, Max: p.Size}, w, reset, fn)
}

// get asks one mirror after the other for a file, whose URL is a path below the
// archive. When none has it, the error is that of one that lies, else of one that
// answers: where only a mirror nearby can be reached, what it lacks is not there.
func (a *Archive) get(ctx context.Context, archive string, f download.File, w io.Writer, reset func() error, fn Sizes) (string, error) {
	var worst error
	rank := func(err error) int {
		return slices.Index([]api.Kind{api.ErrUnreachable, api.ErrNotExist, api.ErrUntrusted}, api.KindOf(err))
	}
	for _, address := range addresses(a.opts.Mirrors, archive, f.URL) {
		if err := reset(); err != nil {
			return "", err
		}
		at := f
		at.URL = address
		err := a.opts.Download.Get(ctx, at, w, fn)
		switch {
		case err == nil:
			return address, nil
		case ctx.Err() != nil, rank(err) < 0:
			return "", err
		case rank(err) > rank(worst):
			worst = err
		}
	}
	if worst == nil {
		worst = api.Errorf("download", f.URL, api.ErrNotExist, "no mirror of the archive "+archive+" is known")
	}
	return "", worst
}

// Index returns the kernels of a suite, by Compare; stale is how long the index
// is past the time until which Debian meant it to be used.
// Errors: ErrNotExist (no such suite), ErrUntrusted, ErrUnreachable.
func (a *Archive) Index(ctx context.Context, s Suite, fn Sizes) (kernels []Kernel, stale time.Duration, err error) {
	op := "read index"
	signed, err := a.small(ctx, s.Archive, download.File{URL: "dists/" + s.Name + "/InRelease", Max: maxRelease}, nil)
	if err != nil {
		return nil, 0, api.E(op, s.Name, "", err)
	}
	text, err := a.opts.Keys.verify(signed, a.opts.Now())
	if err != nil {
		return nil, 0, api.E(op, s.Name, api.ErrUntrusted, fmt.Errorf("InRelease: %w", err))
	}
	rel, err := parseRelease(s.Name, text)
	if err != nil {
		return nil, 0, api.E(op, s.Name, api.ErrInvalid, fmt.Errorf("InRelease: %w", err))
	}
	packed, err := a.packages(ctx, s, rel.index, fn)
	if err != nil {
		return nil, 0, api.E(op, s.Name, "", err)
	}
	unpacked, err := xz.NewReader(bytes.NewReader(packed), maxWindow)
	if err == nil {
		kernels, err = kernelsIn(s.Archive, io.LimitReader(unpacked, maxUnpacked))
	}
	if err != nil {
		return nil, 0, api.E(op, s.Name, api.ErrInvalid, err)
	}
	if !rel.validUntil.IsZero() {
		stale = max(0, a.opts.Now().Sub(rel.validUntil))
	}
	return kernels, stale, nil
}

// packages gets an index by its digest, which stays right while a mirror is
// updated, or else by its name.
func (a *Archive) packages(ctx context.Context, s Suite, f indexFile, fn Sizes) ([]byte, error) {
	dir := "dists/" + s.Name + "/main/binary-amd64/"
	data, err := a.small(ctx, s.Archive, download.File{URL: dir + "by-hash/SHA256/" + f.sha256, SHA256: f.sha256, Max: f.size}, fn)
	if errors.Is(err, api.ErrNotExist) {
		return a.small(ctx, s.Archive, download.File{URL: dir + "Packages.xz", SHA256: f.sha256, Max: f.size}, fn)
	}
	return data, err
}

// small gets a file into memory.
func (a *Archive) small(ctx context.Context, archive string, f download.File, fn Sizes) ([]byte, error) {
	var b bytes.Buffer
	_, err := a.get(ctx, archive, f, &b, func() error { b.Reset(); return nil }, fn)
	return b.Bytes(), err
}
