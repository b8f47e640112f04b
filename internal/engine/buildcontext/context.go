// Package buildcontext makes the tar that an engine builds an image from: a
// folder without what its .dockerignore leaves out, and the Dockerfile, which
// may be elsewhere.
package buildcontext

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Context is a folder that is sent to an engine as a tar. Reading goes through
// os.Root: no symbolic link, and nobody who swaps a folder while we
// read, leads out of it.
type Context struct {
	// Path is where the Dockerfile is on this machine, Name what it is called
	// in the tar.
	Path, Name string
	Dockerfile Dockerfile

	root    *os.Root
	dir     string
	ignore  *ignore
	text    []byte // the Dockerfile's content
	outside bool   // the Dockerfile is not in the folder and is added to the tar
	files   map[string][]byte
	sent    atomic.Int64
}

// Open opens a folder and reads its Dockerfile, "Dockerfile" when file is empty,
// and its .dockerignore. Files are added to the tar, by path with slashes, in the
// place of what the folder has there or leaves out.
// Errors: ErrNotExist, ErrPermission, ErrUsage (a bad pattern in .dockerignore).
func Open(dir, file string, files map[string][]byte) (*Context, error) {
	const op = "read build context"
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, api.E(op, dir, pathKind(err), plainPath(err))
	}
	c := &Context{root: root, dir: dir, files: files}
	if err := c.readDockerfile(file); err != nil {
		_ = root.Close()
		return nil, err
	}
	text, err := c.readIgnore()
	if err == nil {
		c.ignore, err = parseIgnore(text)
	}
	if err != nil {
		_ = root.Close()
		return nil, api.E(op, dir, api.ErrUsage, err)
	}
	return c, nil
}

// readDockerfile finds the Dockerfile inside the folder or beside it.
func (c *Context) readDockerfile(file string) error {
	if file == "" {
		file = "Dockerfile"
	}
	path := file
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.dir, file)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return api.E("read Dockerfile", path, pathKind(err), plainPath(err))
	}
	c.Path, c.text, c.Dockerfile = path, text, scanDockerfile(string(text))
	if rel, err := filepath.Rel(c.dir, path); err == nil && filepath.IsLocal(rel) {
		if info, err := c.root.Lstat(rel); err == nil && info.Mode().IsRegular() {
			c.Name = filepath.ToSlash(rel)
			return nil
		}
	}
	c.Name, c.outside = ".dockerfile.ebpfdev", true
	return nil
}

// readIgnore reads the Dockerfile's own ignore file or the folder's.
func (c *Context) readIgnore() (string, error) {
	for _, name := range []string{c.Name + ".dockerignore", ".dockerignore"} {
		text, err := c.root.ReadFile(filepath.FromSlash(name))
		if err == nil {
			return string(text), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", api.E("read", name, pathKind(err), plainPath(err))
		}
	}
	return "", nil
}

// Close closes the folder.
func (c *Context) Close() error { return c.root.Close() }

// Sent is how many bytes have been read from streams so far.
func (c *Context) Sent() int64 { return c.sent.Load() }

// Stream returns the tar, which must be closed; a file that changes its size
// meanwhile, and a context that ends, are errors of its Read.
func (c *Context) Stream(ctx context.Context) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		tw := tar.NewWriter(countingWriter{w, &c.sent})
		err := c.write(ctx, tw)
		if err == nil {
			err = tw.Close()
		}
		w.CloseWithError(err)
	}()
	return r
}

// write adds every entry that is not ignored.
func (c *Context) write(ctx context.Context, tw *tar.Writer) error {
	if c.outside {
		if err := addBytes(tw, c.Name, c.text); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		if err := addBytes(tw, name, c.files[name]); err != nil {
			return err
		}
	}
	return fs.WalkDir(c.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it vanished while we read
		}
		if err != nil && !c.ignore.excludes(name) {
			return api.E("read build context", filepath.Join(c.dir, name), pathKind(err), plainPath(err))
		}
		if _, replaced := c.files[name]; replaced || name == "." {
			return nil
		}
		if c.ignore.excludes(name) && name != c.Name {
			if entry.IsDir() && !c.ignore.keeps && !strings.HasPrefix(c.Name, name+"/") {
				return fs.SkipDir
			}
			return nil
		}
		return c.add(tw, name, entry)
	})
}

// addBytes adds a file that the folder does not have.
func addBytes(tw *tar.Writer, name string, data []byte) error {
	hdr := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg}
	if err := tw.WriteHeader(hdr); err != nil {
		return err
	}
	_, err := tw.Write(data)
	return err
}

// add writes one entry. Sockets, pipes and devices have no place in an image.
func (c *Context) add(tw *tar.Writer, name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	mode := info.Mode()
	if !mode.IsRegular() && !mode.IsDir() && mode&fs.ModeSymlink == 0 {
		return nil
	}
	local := filepath.FromSlash(name)
	link := ""
	if mode&fs.ModeSymlink != 0 {
		if link, err = c.root.Readlink(local); err != nil {
			return api.E("read link", name, "", plainPath(err))
		}
	}
	hdr, err := tar.FileInfoHeader(info, filepath.ToSlash(link))
	if err != nil {
		return err
	}
	hdr.Name = name
	if mode.IsDir() {
		hdr.Name += "/"
	}
	// Images belong to root: who owns the folder here means nothing there.
	hdr.Uid, hdr.Gid, hdr.Uname, hdr.Gname = 0, 0, "", ""
	hdr.Format, hdr.PAXRecords = tar.FormatPAX, nil
	if runtime.GOOS == "windows" {
		hdr.Mode |= 0o755
	}
	if !mode.IsRegular() {
		return tw.WriteHeader(hdr)
	}
	return c.addFile(tw, local, hdr)
}

// addFile copies a file's content; one that changes size meanwhile is an error,
// because the tar has promised its size.
func (c *Context) addFile(tw *tar.Writer, name string, hdr *tar.Header) error {
	const op = "read build context"
	f, err := c.root.Open(name)
	if err != nil {
		return api.E(op, filepath.Join(c.dir, name), pathKind(err), plainPath(err))
	}
	defer func() { _ = f.Close() }()
	if err := tw.WriteHeader(hdr); err != nil {
		return err
	}
	n, err := io.CopyN(tw, f, hdr.Size)
	if errors.Is(err, io.EOF) {
		return api.Errorf(op, filepath.Join(c.dir, name), api.ErrFailed,
			fmt.Sprintf("it shrank from %d to %d bytes while it was read", hdr.Size, n))
	}
	return err
}

// countingWriter counts what passes.
type countingWriter struct {
	w io.Writer
	n *atomic.Int64
}

func (c countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// pathKind is the kind of an error that a path gave.
func pathKind(err error) api.Kind {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return api.ErrNotExist
	case errors.Is(err, fs.ErrPermission):
		return api.ErrPermission
	default:
		return api.ErrFailed
	}
}

// plainPath drops the call and the path, which our own error names.
func plainPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
