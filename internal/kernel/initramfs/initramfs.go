// Package initramfs writes the archive that a kernel unpacks into its first root
// file system: cpio in the "newc" format, as the kernel's own documentation
// (driver-api/early-userspace/buffer-format.rst) describes it.
package initramfs

import (
	"fmt"
	"io"
	"path"
	"strings"
)

// File types and their bits, from stat(2).
const (
	modeDir  = 0o040000
	modeFile = 0o100000
	modeChar = 0o020000
)

// Writer writes an archive. The first error ends it; Close returns it.
type Writer struct {
	w       io.Writer
	written int64
	inode   uint32
	dirs    map[string]bool
	err     error
}

// NewWriter returns a writer of an archive to w.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, dirs: map[string]bool{".": true, "/": true}}
}

// Dir adds a folder and those above it.
func (w *Writer) Dir(name string) {
	name = clean(name)
	if w.dirs[name] {
		return
	}
	w.dirs[name] = true
	w.Dir(path.Dir(name))
	w.header(name, modeDir|0o755, 0, 0, 0)
}

// Device adds a character device, as the kernel needs them before /dev is mounted.
func (w *Writer) Device(name string, major, minor uint32) {
	w.Dir(path.Dir(clean(name)))
	w.header(clean(name), modeChar|0o600, 0, major, minor)
}

// File adds a file of size bytes, read from r.
func (w *Writer) File(name string, perm uint32, size int64, r io.Reader) {
	w.Dir(path.Dir(clean(name)))
	if size < 0 || size > 1<<32-1 {
		w.fail(fmt.Errorf("%s: %d bytes are too many for an initramfs", name, size))
	}
	w.header(clean(name), modeFile|perm&0o777, size, 0, 0)
	if w.err != nil {
		return
	}
	n, err := io.CopyN(w.w, r, size)
	w.written += n
	if err != nil {
		w.fail(fmt.Errorf("%s: %w", name, err))
	}
	w.pad()
}

// Close ends the archive and returns the first error of all.
func (w *Writer) Close() error {
	w.header("TRAILER!!!", 0, 0, 0, 0)
	return w.err
}

func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

func (w *Writer) header(name string, mode uint32, size int64, major, minor uint32) {
	if w.inode++; name == "" {
		return
	}
	// magic, inode, mode, uid, gid, links, mtime, size, device of the file system,
	// device that this is, length of the name with its zero, checksum (not used)
	w.print(fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		w.inode, mode, 0, 0, 1, 0, size, 0, 0, major, minor, len(name)+1, 0, name))
	w.pad()
}

// pad fills up to a multiple of four bytes.
func (w *Writer) pad() { w.print("\x00\x00\x00"[:(4-w.written%4)%4]) }

func (w *Writer) print(s string) {
	if w.err != nil {
		return
	}
	n, err := io.WriteString(w.w, s)
	w.written += int64(n)
	w.fail(err)
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}
