package bzimage_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/ebpfdev/ebpfdev/internal/kernel/bzimage"
	"github.com/ebpfdev/ebpfdev/internal/kernel/debiantest"
)

// sized appends a size, as the kernel's build does.
func sized(data []byte, size int) []byte {
	return binary.LittleEndian.AppendUint32(bytes.Clone(data), uint32(size))
}

func lz4Legacy(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := lz4.NewWriter(&b)
	if err := w.Apply(lz4.LegacyOption(true)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstdOf(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithWindowSize(128<<20))
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

func TestVmlinux(t *testing.T) {
	elf := debiantest.ELF("text")
	images := map[string][]byte{
		"gzip": debiantest.BzImage(t, elf),
		"zstd": debiantest.BzImageOf(sized(zstdOf(t, elf), len(elf))),
		"lz4":  debiantest.BzImageOf(sized(lz4Legacy(t, elf), len(elf))),
		"xz":   debiantest.BzImageOf(sized(debiantest.XZ(t, elf), len(elf))),
		"ELF":  elf,
	}
	for name, image := range images {
		t.Run(name, func(t *testing.T) {
			if got, err := bzimage.Vmlinux(image); err != nil || !bytes.Equal(got, elf) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

// The kernel's build gives xz a filter for x86 code (scripts/xz_wrap.sh).
func TestXZWithFilter(t *testing.T) {
	packed, err := os.ReadFile("testdata/x86.xz")
	if err != nil {
		t.Fatal(err)
	}
	want := debiantest.ELF("text")
	for i := range 200 {
		want[4096+i*8] = 0xe8
		binary.LittleEndian.PutUint32(want[4097+i*8:], uint32(i*17))
	}
	got, err := bzimage.Vmlinux(debiantest.BzImageOf(sized(packed, len(want))))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestRefused(t *testing.T) {
	elf := debiantest.ELF("text")
	good := debiantest.BzImage(t, elf)
	change := func(offset int, value ...byte) []byte {
		image := bytes.Clone(good)
		copy(image[offset:], value)
		return image
	}
	for name, tt := range map[string]struct {
		image []byte
		want  string
	}{
		"nothing":              {nil, "neither a bzImage nor an ELF file"},
		"another file":         {bytes.Repeat([]byte("text"), 1000), "neither a bzImage nor an ELF file"},
		"ELF of 32 bits":       {append([]byte("\x7fELF\x01\x01"), make([]byte, 1000)...), "neither a bzImage nor an ELF file"},
		"an old protocol":      {change(0x206, 0x07, 0x02), "boot protocol 2.07"},
		"a payload outside":    {change(0x24c, 0xff, 0xff, 0xff, 0xff), "says that its kernel is at bytes"},
		"an offset outside":    {change(0x248, 0xff, 0xff, 0xff, 0xff), "says that its kernel is at bytes"},
		"no payload":           {change(0x24c, 0, 0, 0, 0), "says that its kernel is at bytes"},
		"cut":                  {good[:len(good)-100], "says that its kernel is at bytes"},
		"an unknown format":    {debiantest.BzImageOf([]byte("LZOP and so on")), "compressed in a way that is not known: 4c 5a 4f 50"},
		"a huge size":          {debiantest.BzImageOf(sized(zstdOf(t, elf), 1<<30)), "has 1073741824 bytes; 268435456 are the limit"},
		"a size too large":     {debiantest.BzImageOf(sized(zstdOf(t, elf), len(elf)+1)), "that is not so"},
		"a size too small":     {debiantest.BzImageOf(sized(zstdOf(t, elf), len(elf)-1)), "that is not so"},
		"a broken frame":       {debiantest.BzImageOf(sized(debiantest.XZ(t, elf)[:100], len(elf))), "unpack xz: "},
		"not a kernel":         {debiantest.BzImage(t, make([]byte, 4096)), "no ELF file for x86-64"},
		"a kernel for another": {debiantest.BzImage(t, append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 100)...)), "no ELF file for x86-64"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := bzimage.Vmlinux(tt.image); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A few bytes that claim a large kernel cost little memory.
func TestLieAboutTheSize(t *testing.T) {
	image := debiantest.BzImageOf(sized([]byte("\x28\xb5\x2f\xfd\x00\x00\x00\x00"), 256<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := bzimage.Vmlinux(image); err == nil {
		t.Fatal("it was unpacked")
	}
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 8<<20 {
		t.Errorf("%d bytes were allocated", spent)
	}
}

func FuzzVmlinux(f *testing.F) {
	elf := debiantest.ELF("text")
	for _, payload := range [][]byte{zstdOf(f, elf), lz4Legacy(f, elf), debiantest.XZ(f, elf)} {
		f.Add(sized(payload, len(elf)))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, image := range [][]byte{payload, debiantest.BzImageOf(payload)} {
			got, err := bzimage.Vmlinux(image)
			if err == nil && !bytes.HasPrefix(got, []byte("\x7fELF")) {
				t.Errorf("%.16q", got)
			}
		}
	})
}
