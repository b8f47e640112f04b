package deb

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// Limits of what is read out of a package, in bytes. The largest image of Debian
// has some 14 MB, the largest package unpacks to some 700 MB.
const (
	maxImage    = 128 << 20
	maxConfig   = 4 << 20
	maxUnpacked = 2 << 30
	maxWindow   = 128 << 20 // how far back a compressor may refer
)

// Part is something that a package may have of a kernel.
type Part uint8

// The parts.
const (
	Image  Part = 1 << iota // vmlinuz
	Config                  // the configuration that it was built with
)

// Kernel is what was found.
type Kernel struct {
	Release string // uname -r, as the files are named; safe as a file name
	Image   []byte
	Config  []byte
}

// file matches the two places where Debian puts a kernel's files: /boot, and
// since Linux 6.19 the folder of its modules.
var file = regexp.MustCompile(`^(?:\./)?(?:boot/(vmlinuz|config)-([^/]+)|(?:usr/)?lib/modules/([^/]+)/(vmlinuz|config))$`)

// release is what may be a folder's name in the cache.
var release = regexp.MustCompile(`^[0-9][0-9A-Za-z.+~_-]{0,127}$`)

// ReadKernel reads a package until it has the parts that are wanted, or to its end.
// Parts that the package does not have are empty.
func ReadKernel(r io.Reader, want Part) (Kernel, error) {
	a, err := newArReader(r)
	if err != nil {
		return Kernel{}, err
	}
	for {
		name, err := a.next()
		if errors.Is(err, io.EOF) {
			return Kernel{}, errors.New("the package has no data.tar")
		}
		if err != nil {
			return Kernel{}, err
		}
		if strings.HasPrefix(name, "data.tar") {
			return readData(path.Ext(name), bufio.NewReader(a), want)
		}
	}
}

// readData reads the files of a package, compressed as the extension says.
func readData(extension string, r io.Reader, want Part) (Kernel, error) {
	unpacked, done, err := decompress(extension, r)
	if err != nil {
		return Kernel{}, fmt.Errorf("unpack data.tar%s: %w", extension, err)
	}
	defer done()
	var k Kernel
	t := tar.NewReader(io.LimitReader(unpacked, maxUnpacked))
	for want != 0 {
		header, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Kernel{}, fmt.Errorf("unpack data.tar%s: %w", extension, err)
		}
		got, err := k.take(header, t, want)
		if err != nil {
			return Kernel{}, err
		}
		want &^= got
	}
	return k, nil
}

// take reads one file if it is a wanted one, and returns which it was.
func (k *Kernel) take(header *tar.Header, r io.Reader, want Part) (Part, error) {
	m := file.FindStringSubmatch(header.Name)
	if m == nil || header.Typeflag != tar.TypeReg {
		return 0, nil
	}
	kind, name := m[1]+m[4], m[2]+m[3]
	part, into, limit := Image, &k.Image, int64(maxImage)
	if kind == "config" {
		part, into, limit = Config, &k.Config, maxConfig
	}
	if want&part == 0 {
		return 0, nil
	}
	switch {
	case !release.MatchString(name):
		return 0, fmt.Errorf("the package has a kernel of the release %q", name)
	case k.Release != "" && k.Release != name:
		return 0, fmt.Errorf("the package has files of two kernels: %s and %s", k.Release, name)
	case header.Size > limit:
		return 0, fmt.Errorf("the package's %s has %d bytes; %d are the limit", kind, header.Size, limit)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return 0, fmt.Errorf("unpack %s: %w", kind, noEOF(err))
	}
	k.Release, *into = name, data
	return part, nil
}

// decompress opens a compressed stream; done must be called at its end.
func decompress(extension string, r io.Reader) (unpacked io.Reader, done func(), err error) {
	done = func() {}
	switch extension {
	case ".xz":
		unpacked, err = xz.NewReader(r, maxWindow)
	case ".gz":
		unpacked, err = gzip.NewReader(r)
	case ".zst":
		d, zerr := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if zerr != nil {
			return nil, nil, zerr
		}
		return d, d.Close, nil
	case ".tar":
		unpacked = r
	default:
		err = errors.New("not a compression that is known")
	}
	return unpacked, done, err
}
