package debiantest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// File is a file in a package.
type File struct {
	Name string // "./boot/vmlinuz-6.12.9"
	Data []byte
}

// Deb makes a package whose data.tar is compressed as an extension says: "xz",
// "zst", "gz" or none.
func Deb(tb testing.TB, compression string, files ...File) []byte {
	tb.Helper()
	var t bytes.Buffer
	w := tar.NewWriter(&t)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.Name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(f.Data))}); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(f.Data); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	name, data := "data.tar", t.Bytes()
	switch compression {
	case "xz":
		name, data = name+".xz", XZ(tb, data)
	case "zst":
		name, data = name+".zst", zstdOf(tb, data)
	case "gz":
		name, data = name+".gz", gzipOf(tb, data)
	}
	return Ar(
		File{"debian-binary", []byte("2.0\n")},
		File{"control.tar.xz", []byte("odd")},
		File{name, data},
	)
}

// Ar makes an ar archive.
func Ar(files ...File) []byte {
	b := []byte("!<arch>\n")
	for _, f := range files {
		b = fmt.Appendf(b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", f.Name, 0, 0, 0, "100644", len(f.Data))
		b = append(b, f.Data...)
		if len(f.Data)%2 == 1 {
			b = append(b, '\n')
		}
	}
	return b
}

// KernelDeb makes a package of a kernel as it was until Linux 6.18: image and
// configuration below /boot.
func KernelDeb(tb testing.TB, release string) []byte {
	tb.Helper()
	return Deb(tb, "xz",
		File{"./boot/System.map-" + release, []byte("ffffffffffffffff B The real System.map is in the linux-image-dbg package\n")},
		File{"./boot/config-" + release, []byte("CONFIG_BPF=y\n# " + release + "\n")},
		File{"./boot/vmlinuz-" + release, BzImage(tb, ELF(release))},
		File{"./lib/modules/" + release + "/modules.order", nil},
	)
}

// ELF makes a file that begins as a kernel does, with a text in it, holes and an
// end that is no whole block.
func ELF(text string) []byte {
	b := make([]byte, 5*4096+100)
	copy(b, "\x7fELF\x02\x01\x01")
	binary.LittleEndian.PutUint16(b[16:], 2)
	binary.LittleEndian.PutUint16(b[18:], 62)
	copy(b[3*4096:], text)
	b[len(b)-1] = 1
	return b
}

// BzImage makes an image whose payload is compressed with gzip.
func BzImage(tb testing.TB, vmlinux []byte) []byte {
	tb.Helper()
	return BzImageOf(gzipOf(tb, vmlinux))
}

// BzImageOf makes an image around a payload, which ends with the size of what is
// in it, in four bytes.
func BzImageOf(payload []byte) []byte {
	const sects, offset = 2, 64
	b := make([]byte, (sects+1)*512+offset, (sects+1)*512+offset+len(payload))
	b[0x1f1] = sects
	copy(b[0x202:], "HdrS")
	binary.LittleEndian.PutUint16(b[0x206:], 0x020f)
	binary.LittleEndian.PutUint32(b[0x248:], offset)
	binary.LittleEndian.PutUint32(b[0x24c:], uint32(len(payload)))
	return append(b, payload...)
}

func gzipOf(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func zstdOf(tb testing.TB, data []byte) []byte {
	tb.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}
