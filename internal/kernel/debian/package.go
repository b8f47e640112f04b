package debian

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/kernel/deb"
)

// Package is a package in an archive.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Path    string `json:"path"` // below the archive's address
	Size    int64  `json:"size"` // bytes
	SHA256  string `json:"sha256"`
}

// Kernel is a kernel in an archive.
type Kernel struct {
	Archive string   `json:"archive"` // "debian" or "debian-security"
	Image   Package  `json:"image"`
	Config  *Package `json:"config,omitempty"` // the package of the configuration, where that is another one
}

// Release returns uname -r of the kernel, which its package is named after.
func (k Kernel) Release() string {
	m := imageName.FindStringSubmatch(k.Image.Name)
	if m == nil {
		return ""
	}
	return m[2]
}

// Upstream returns the version of Linux: "6.12.9".
func (k Kernel) Upstream() string { return deb.Upstream(k.Image.Version) }

// cloud reports whether it is the flavour for virtual machines.
func (k Kernel) cloud() bool { return strings.Contains(k.Image.Name, "-cloud-") }

// imageName matches packages that hold a kernel: linux-binary since 6.19, before
// that linux-image. Flavours are amd64 and cloud-amd64; unsigned ones and rt are
// left out.
var imageName = regexp.MustCompile(`^linux-(image|binary)-([0-9][0-9A-Za-z.+~]*(?:-[0-9][0-9A-Za-z.~]*)?(?:-cloud)?-amd64)$`)

// configPrefix begins the names of packages that hold a configuration, where
// linux-binary does not.
const configPrefix = "linux-base-"

// minImage is the size below which a linux-image is an empty package that only
// depends on others, in bytes.
const minImage = 1 << 20

// Compare orders kernels by version, and the cloud flavour after the others.
func Compare(a, b Kernel) int {
	return cmp.Or(
		deb.CompareVersions(a.Image.Version, b.Image.Version),
		cmp.Compare(strconv.FormatBool(a.cloud()), strconv.FormatBool(b.cloud())),
		cmp.Compare(a.Image.Name, b.Image.Name),
	)
}

// kernelsIn returns the kernels of an index, by Compare.
func kernelsIn(archive string, index io.Reader) ([]Kernel, error) {
	var images []Package
	configs := map[string]Package{} // by name and version
	keep := func(first string) bool {
		name, ok := strings.CutPrefix(first, "Package: ")
		return ok && (imageName.MatchString(name) || strings.HasPrefix(name, configPrefix))
	}
	err := deb.Paragraphs(index, keep, func(p deb.Paragraph) error {
		pkg, err := newPackage(p)
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(pkg.Name, configPrefix):
			configs[pkg.Name+" "+pkg.Version] = pkg
		case pkg.Size >= minImage:
			images = append(images, pkg)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var kernels []Kernel
	for _, image := range images {
		k := Kernel{Archive: archive, Image: image}
		if c, ok := configs[configPrefix+k.Release()+" "+image.Version]; ok && strings.HasPrefix(image.Name, "linux-binary-") {
			k.Config = &c
		}
		kernels = append(kernels, k)
	}
	slices.SortFunc(kernels, Compare)
	return kernels, nil
}

// newPackage reads a paragraph of an index.
func newPackage(p deb.Paragraph) (Package, error) {
	pkg := Package{Name: p["package"], Version: p["version"], Path: p["filename"], SHA256: p["sha256"]}
	size, err := strconv.ParseInt(p["size"], 10, 64)
	pkg.Size = size
	if err != nil {
		return Package{}, fmt.Errorf("package %q: size %q", pkg.Name, p["size"])
	}
	return pkg, pkg.check()
}

// check refuses what no package of an archive can be.
func (p Package) check() error {
	var err error
	switch {
	case p.Version == "":
		err = errors.New("it has no version")
	case !strings.HasPrefix(p.Path, "pool/") || strings.Contains(p.Path, "..") || strings.ContainsAny(p.Path, "?#% \\"):
		err = fmt.Errorf("its path is %q", p.Path)
	case p.Size < 0 || p.Size > maxPackage:
		err = fmt.Errorf("it has %d bytes", p.Size)
	case !sha256hex.MatchString(p.SHA256):
		err = fmt.Errorf("its SHA-256 is %q", p.SHA256)
	default:
		return nil
	}
	return fmt.Errorf("package %q: %w", p.Name, err)
}
