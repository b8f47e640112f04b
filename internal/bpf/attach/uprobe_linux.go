package attach

import (
	"debug/elf"
	"errors"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/executable"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// place is a file and what of it is probed.
type place struct {
	file   string
	symbol string
	pid    int // 0 for every process
	exe    *link.Executable
}

// place reads PATH:SYMBOL and the mode pid=N.
func (j *job) place(what, example string) (place, error) {
	file, symbol, ok := strings.Cut(j.target, ":")
	if !ok || file == "" || symbol == "" {
		return place{}, needs(j, what, example)
	}
	p := place{symbol: symbol}
	for word := range strings.SplitSeq(j.mode, ",") {
		text, ok := strings.CutPrefix(word, "pid=")
		if !ok {
			continue // a further name, or refused by who knows the others
		}
		var err error
		if p.pid, err = strconv.Atoi(text); err != nil || p.pid <= 0 {
			return place{}, j.usage("pid="+text+": it takes the number of a process", j.target+",pid=1")
		}
	}
	files := executable.Find(file)
	if len(files) == 0 {
		return place{}, j.missing(api.ErrNotExist, "no program or library "+file+" is found",
			shell.Join("find", "/usr", "-name", filepath.Base(file)+"*"))
	}
	p.file = files[0]
	var err error
	p.exe, err = link.OpenExecutable(p.file)
	return p, err
}

func uprobe(
	j *job, attach func(*link.Executable, string, *ebpf.Program, *link.UprobeOptions) (link.Link, error),
) (link.Link, error) {
	p, err := j.place("an executable and a function of it", "/bin/bash:readline")
	if err != nil {
		return nil, err
	}
	if _, err := j.words("pid"); err != nil {
		return nil, err
	}
	opts := &link.UprobeOptions{PID: p.pid}
	symbol, offset, err := splitOffset(p.symbol)
	if err != nil {
		return nil, api.Errorf("attach", j.name, api.ErrUsage, err.Error())
	}
	if address, err := strconv.ParseUint(symbol, 0, 63); err == nil {
		symbol, opts.Address = "", address
	}
	opts.Offset = offset
	l, err := attach(p.exe, symbol, j.prog, opts)
	if errors.Is(err, link.ErrNoSymbol) {
		return nil, j.missing(api.ErrNotExist, p.file+" has no function "+symbol, shell.Join("nm", "-D", p.file))
	}
	return l, err
}

// uprobeMulti attaches to many functions of a file at once (Linux 6.6).
func uprobeMulti(j *job) (link.Link, error) {
	p, names, err := j.several()
	if err != nil {
		return nil, err
	}
	if features.HaveBPFLinkUprobeMulti() != nil {
		return nil, api.Errorf("attach", j.name, api.ErrNotSupported, "this kernel has no uprobe.multi (Linux 6.6); a section uprobe attaches to one function")
	}
	opts := &link.UprobeMultiOptions{PID: uint32(p.pid)}
	attach := p.exe.UprobeMulti
	if strings.HasPrefix(j.section, "uret") {
		attach = p.exe.UretprobeMulti
	}
	l, err := attach(names, j.prog, opts)
	if errors.Is(err, link.ErrNoSymbol) {
		return nil, j.missing(api.ErrNotExist, p.file+" has not all of "+strings.Join(names, ", "), shell.Join("nm", "-D", p.file))
	}
	return l, err
}

// several reads PATH:FUNCTION,FUNCTION and finds what the patterns among them mean.
func (j *job) several() (place, []string, error) {
	p, err := j.place("an executable and functions or patterns of them", "'/bin/bash:read*'")
	if err != nil {
		return p, nil, err
	}
	names := j.list()
	names[0] = p.symbol
	if slices.ContainsFunc(names, isPattern) {
		found, err := symbolsOf(p.file, names)
		if err != nil {
			return p, nil, api.E("attach", j.name, api.ErrInvalid, err)
		}
		names = slices.Sorted(maps.Keys(found))
	}
	if len(names) == 0 {
		return p, nil, j.missing(api.ErrNotExist, p.file+" has no function "+p.symbol, shell.Join("nm", "-D", p.file))
	}
	return p, names, nil
}

// symbolsOf returns the functions of an ELF file that names or patterns match, with
// their offsets in the file.
func symbolsOf(file string, names []string) (found map[string]uint64, err error) {
	defer func() { // debug/elf is not hardened against hostile files
		if recover() != nil {
			err = errors.New(file + " is a broken ELF file")
		}
	}()
	f, err := elf.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	symbols, _ := f.Symbols()
	dynamic, _ := f.DynamicSymbols()
	found = map[string]uint64{}
	for _, s := range append(symbols, dynamic...) {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Section == elf.SHN_UNDEF {
			continue
		}
		if slices.ContainsFunc(names, func(n string) bool { ok, err := path.Match(n, s.Name); return ok && err == nil }) {
			found[s.Name] = fileOffset(f, s.Value)
		}
	}
	return found, nil
}

func fileOffset(f *elf.File, address uint64) uint64 {
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && address >= p.Vaddr && address-p.Vaddr < p.Memsz {
			return address - p.Vaddr + p.Off
		}
	}
	return address
}
