package object_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/bpf/object"
)

// These make this test binary the child that CheckInChild starts.
const (
	checkLimited = "check-limited"
	hogMemory    = "hog-memory"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == hogMemory {
		_ = object.CheckLimited(hog{})
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == checkLimited {
		if err := object.CheckLimited(os.Stdin); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(t *testing.T) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{exe, checkLimited}
}

// bomb is an object of a few hundred bytes whose .bss claims size bytes.
func bomb(size uint64) []byte {
	names := "\x00.bss\x00.shstrtab\x00"
	var b bytes.Buffer
	le := binary.LittleEndian
	header := make([]byte, 64)
	copy(header, "\x7fELF\x02\x01\x01")
	le.PutUint16(header[16:], 1)   // ET_REL
	le.PutUint16(header[18:], 247) // EM_BPF
	le.PutUint32(header[20:], 1)
	le.PutUint64(header[40:], 128) // section headers
	le.PutUint16(header[52:], 64)
	le.PutUint16(header[58:], 64)
	le.PutUint16(header[60:], 3)
	le.PutUint16(header[62:], 2)
	b.Write(header)
	b.WriteString(names + strings.Repeat("\x00", 64-len(names)))
	section := func(name, typ uint32, flags, off, size uint64) {
		s := make([]byte, 64)
		le.PutUint32(s, name)
		le.PutUint32(s[4:], typ)
		le.PutUint64(s[8:], flags)
		le.PutUint64(s[24:], off)
		le.PutUint64(s[32:], size)
		le.PutUint64(s[48:], 1)
		b.Write(s)
	}
	section(0, 0, 0, 0, 0)
	section(1, 8, 3, 64, size) // SHT_NOBITS, alloc and write
	section(6, 3, 0, 64, uint64(len(names)))
	return b.Bytes()
}

func TestParseRealObject(t *testing.T) {
	spec, err := object.Parse(apitest.CountObject())
	if err != nil {
		t.Fatal(err)
	}
	if spec.Programs[apitest.CountProgram] == nil || spec.Maps[apitest.EventsMap] == nil {
		t.Errorf("spec has programs %v and maps %v", spec.Programs, spec.Maps)
	}
	if err := object.CheckInChild(t.Context(), child(t), apitest.CountObject()); err != nil {
		t.Errorf("CheckInChild: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	good := apitest.CountObject().Data
	with := func(off int, b ...byte) []byte {
		data := bytes.Clone(good)
		copy(data[off:], b)
		return data
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":              {nil, "the file is empty"},
		"text":               {[]byte("int main() {}"), "not an ELF file"},
		"magic alone":        {[]byte("\x7fELF"), "truncated"},
		"32 bit":             {with(4, 1), "32-bit"},
		"no class":           {with(4, 9), "unknown ELF class"},
		"no byte order":      {with(5, 7), "unknown byte order"},
		"x86-64":             {with(18, 62, 0), "for X86_64, not for BPF"},
		"executable":         {with(16, 2, 0), "ET_EXEC"},
		"cut":                {good[:len(good)-64], "truncated"},
		"no sections":        {with(60, 0, 0), "no section headers"},
		"huge section table": {with(60, 0xff, 0xff), "truncated"},
		"far section table":  {with(40, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "truncated"},
		"odd headers":        {with(58, 1, 0), "section headers of 1 bytes"},
		"bomb of 2 GiB":      {bomb(2 << 30), "claims 2147483648 bytes"},
		"bomb of 16 EiB":     {bomb(1<<64 - 1), "claims"},
		"too long":           {append([]byte("\x7fELF"), make([]byte, object.MaxFile)...), "at most"},
	} {
		t.Run(name, func(t *testing.T) {
			obj := api.Object{Name: "x.o", Data: test.data}
			_, err := object.Parse(obj)
			if !errors.Is(err, api.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Parse: %v, want %q", err, test.want)
			}
			if inChild := object.CheckInChild(t.Context(), child(t), obj); !errors.Is(inChild, api.ErrInvalid) {
				t.Errorf("CheckInChild: %v", inChild)
			}
		})
	}
}

// Many sections that are each below the limit are together above it.
func TestSectionsAddUp(t *testing.T) {
	data := bomb(object.MaxData)
	if err := object.Check(api.Object{Data: data}); err == nil {
		t.Error("a .bss of the whole limit and a name table pass")
	}
	if err := object.Check(api.Object{Data: bomb(object.MaxData - 4096)}); err != nil {
		t.Errorf("a .bss below the limit: %v", err)
	}
}

// The bomb is refused before anything is allocated for it.
func TestBombTakesNoMemory(t *testing.T) {
	obj := api.Object{Name: "bomb.o", Data: bomb(2 << 30)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	if _, err := object.Parse(obj); err == nil {
		t.Fatal("the bomb is accepted")
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("refusing it allocated %d bytes", used)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("refusing it took %v", took)
	}
}

func TestChildFailures(t *testing.T) {
	obj := apitest.CountObject()
	sh := func(script string) []string { return []string{"/bin/sh", "-c", script} }
	for name, test := range map[string]struct {
		argv []string
		kind api.Kind
		want string
	}{
		"killed":        {sh("cat >/dev/null; kill -9 $$"), api.ErrInvalid, "died"},
		"out of memory": {sh("cat >/dev/null; echo 'fatal error: runtime: out of memory' >&2; exit 2"), api.ErrInvalid, "more memory"},
		"says why":      {sh("cat >/dev/null; echo 'load BTF: bad'; echo 'load BTF: bad' >&2; exit 1"), api.ErrInvalid, "load BTF: bad"},
		"reads nothing": {sh("exit 1"), api.ErrInvalid, "died"},
		"not there":     {[]string{filepath.Join(t.TempDir(), "none")}, api.ErrEnvironment, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			err := object.CheckInChild(t.Context(), test.argv, obj)
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("CheckInChild: %v, want %q", err, test.want)
			}
		})
	}
}

// A parser that allocates what a file claims is stopped by the limits.
func TestLimitsHold(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("limits are set on Linux only")
	}
	err := object.CheckInChild(t.Context(), []string{child(t)[0], hogMemory}, apitest.CountObject())
	// What it says in the end is the runtime's matter; 7 is how the hog ends
	// when nobody stops it.
	if !errors.Is(err, api.ErrInvalid) || strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("a child that takes 1 GiB: %v", err)
	}
}

// hog is an input that takes a gigabyte to read.
type hog struct{}

func (hog) Read([]byte) (int, error) {
	taken := make([]byte, 1<<30)
	for i := range taken {
		taken[i] = 1
	}
	os.Exit(int(taken[0]) + 6)
	return 0, nil
}

func FuzzParse(f *testing.F) {
	f.Add(apitest.CountObject().Data)
	f.Add(apitest.RejectObject().Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, err := object.Parse(api.Object{Name: "fuzz.o", Data: data})
		if err != nil && !errors.Is(err, api.ErrInvalid) {
			t.Errorf("Parse: %v is not ErrInvalid", err)
		}
		if (spec == nil) == (err == nil) {
			t.Errorf("spec %v with error %v", spec, err)
		}
	})
}
