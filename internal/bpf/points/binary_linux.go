package points

import (
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/executable"
)

// uprobe looks a symbol up in the file that a loader would open.
func (r *resolver) uprobe(target string) api.Resolution {
	path, symbol, ok := strings.Cut(target, ":")
	symbol, _, _ = strings.Cut(symbol, "+")
	symbol, _, _ = strings.Cut(symbol, "@")
	if !ok || path == "" || symbol == "" || symbol[0] >= '0' && symbol[0] <= '9' {
		return unknown("it is not of the form path:symbol")
	}
	if strings.HasPrefix(path, "/proc/") { // /proc/self is this process, and /proc/1/root somebody else's files
		return unknown("it depends on the process")
	}
	if _, err := os.Stat(path); filepath.IsAbs(path) && errors.Is(err, fs.ErrNotExist) {
		return missing("there is no file "+path, path, beside(path))
	}
	files := executable.Find(path)
	if len(files) == 0 {
		return r.notFound(path)
	}
	var res api.Resolution
	for _, file := range files {
		if res = r.inFile(file, symbol); res.State == api.PointThere {
			return res
		}
	}
	if len(files) > 1 {
		return unknown("several files are called " + path + ", and none has a function " + symbol)
	}
	return res
}

// beside lists the files in the folder of one.
func beside(path string) []string {
	dir := filepath.Dir(path)
	entries, _ := os.ReadDir(dir)
	var paths []string
	for _, e := range entries {
		if !e.IsDir() {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths
}

// notFound is the answer for a program or library that no loader finds.
func (r *resolver) notFound(name string) api.Resolution {
	reason := "no file " + name + " is found"
	if strings.Contains(name, "/") { // from the root for some, from the present folder for others
		return unknown(reason)
	}
	names, whole := r.fileNames()
	library := "lib" + strings.TrimPrefix(name, "lib")
	isName := func(other string) bool {
		return other == name || strings.HasPrefix(other, name+".") || strings.HasPrefix(other, library+".")
	}
	if !whole || slices.ContainsFunc(names, isName) {
		return unknown(reason)
	}
	switch {
	case strings.Contains(name, ".so"):
		return missing("there is no library "+name, name, names)
	case strings.HasPrefix(name, "lib"):
		return missing("there is no library "+name, name, short(names, "lib"))
	default:
		return missing("there is no program and no library "+name, name, slices.Concat(names, short(names, "")))
	}
}

// fileNames lists what programs and libraries are called. What is loaded gets this
// process's environment.
func (r *resolver) fileNames() (names []string, whole bool) {
	if r.files == nil {
		var dirs []string
		for _, variable := range []string{"PATH", "LD_LIBRARY_PATH"} {
			value, _ := os.LookupEnv(variable)
			dirs = append(dirs, filepath.SplitList(value)...)
		}
		r.files, r.whole = executable.Names(dirs)
	}
	return r.files, r.whole
}

// short returns the names of libraries without what follows ".so", and with this
// for the "lib" before them.
func short(names []string, prefix string) []string {
	var list []string
	for _, name := range names {
		if base, _, ok := strings.Cut(name, ".so"); ok && strings.HasPrefix(base, "lib") {
			list = append(list, prefix+strings.TrimPrefix(base, "lib"))
		}
	}
	return list
}

func (r *resolver) inFile(path, symbol string) api.Resolution {
	b := r.binaries[path]
	if b == nil {
		b = readBinary(path)
		r.binaries[path] = b
	}
	switch {
	case b.err != nil:
		return unknown(b.err.Error())
	case slices.Contains(b.functions, symbol):
		return without("uprobe")
	case slices.Contains(b.chosen, symbol):
		return unknown(path + " chooses " + symbol + " when it runs")
	case b.packed || slices.Contains(b.apart, symbol):
		return unknown(path + " was stripped of " + symbol + "; not every loader looks for it elsewhere")
	case slices.Contains(b.imported, symbol):
		return missing(path+" takes "+symbol+" from a library", symbol, b.functions)
	default:
		return missing(path+" has no function "+symbol, symbol, b.functions)
	}
}

// binary is what an ELF file names.
type binary struct {
	functions []string // that it has
	chosen    []string // indirect functions: which code they are is decided when it runs
	imported  []string // that it takes from libraries
	apart     []string // functions that it was stripped of, in the debug file of its build
	packed    bool     // functions that it was stripped of are compressed in it
	err       error    // it cannot be read
}

func readBinary(path string) *binary {
	b := &binary{}
	f, err := openELF(path)
	if err != nil {
		b.err = err
		return b
	}
	defer f.Close()
	static, dynamic, err := symbols(f)
	if err != nil {
		b.err = fmt.Errorf("%s: %w", path, err)
		return b
	}
	for _, s := range append(static, dynamic...) {
		b.add(s)
	}
	if len(static) == 0 { // BCC and bpftrace look for what was taken away
		b.packed = f.Section(".gnu_debugdata") != nil
		b.apart = debugFunctions(f)
	}
	return b
}

// openELF opens a regular file: a pipe or a device would never end.
func openELF(path string) (*elf.File, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New(path + " is no regular file")
	}
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// debugFunctions lists the functions in the debug file of a file's build, where
// distributions put it; nil when there is none.
func debugFunctions(f *elf.File) []string {
	const header = 16 // three numbers and "GNU\x00"
	note := f.Section(".note.gnu.build-id")
	if note == nil || note.Size <= header || note.Size > 128 || note.Flags&elf.SHF_COMPRESSED != 0 {
		return nil
	}
	data, err := note.Data()
	if err != nil {
		return nil
	}
	id := hex.EncodeToString(data[header:])
	debug, err := openELF("/usr/lib/debug/.build-id/" + id[:2] + "/" + id[2:] + ".debug")
	if err != nil {
		return nil
	}
	defer debug.Close()
	static, _, err := symbols(debug)
	if err != nil {
		return nil
	}
	b := &binary{}
	for _, s := range static {
		b.add(s)
	}
	return b.functions
}

// maxSymbols bounds the tables that are read, in bytes: a browser's have some
// 100 MiB.
const maxSymbols = 256 << 20

// symbols returns a file's own table and that of its dynamic linking; each may be
// missing.
func symbols(f *elf.File) (static, dynamic []elf.Symbol, err error) {
	if err := affordable(f); err != nil {
		return nil, nil, err
	}
	if static, err = f.Symbols(); err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, nil, err
	}
	if dynamic, err = f.DynamicSymbols(); err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, nil, err
	}
	return static, dynamic, nil
}

// affordable refuses tables that are too big to be read, or compressed: their
// size would be anybody's claim.
func affordable(f *elf.File) error {
	size := uint64(0)
	for _, s := range f.Sections {
		switch s.Type {
		case elf.SHT_SYMTAB, elf.SHT_DYNSYM, elf.SHT_STRTAB, elf.SHT_GNU_VERSYM, elf.SHT_GNU_VERNEED, elf.SHT_GNU_VERDEF:
			if s.Flags&elf.SHF_COMPRESSED != 0 || s.Size > maxSymbols {
				return errors.New("its symbols are too many")
			}
			size += s.Size
		}
	}
	if size > maxSymbols {
		return errors.New("its symbols are too many")
	}
	return nil
}

// add sorts a symbol in. The linker leaves versions in names: "malloc@@GLIBC_2.2.5".
func (b *binary) add(s elf.Symbol) {
	name, _, _ := strings.Cut(s.Name, "@")
	kind := elf.ST_TYPE(s.Info)
	switch {
	case name == "":
	case s.Section == elf.SHN_UNDEF:
		b.imported = append(b.imported, name)
	case kind == elf.STT_FUNC:
		b.functions = append(b.functions, name)
	case kind == elf.STT_GNU_IFUNC:
		b.chosen = append(b.chosen, name)
	}
}
