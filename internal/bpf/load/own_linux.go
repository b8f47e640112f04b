package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// AttachTraceFSession is BPF_TRACE_FSESSION (Linux 7.0), which the library has no
// name for.
const AttachTraceFSession ebpf.AttachType = 58

// NeedsOwnLoad reports whether cilium/ebpf (v0.22) cannot load a program: for the
// sections lsm_cgroup and fsession it does not tell the kernel which function is
// meant.
func NeedsOwnLoad(p *ebpf.ProgramSpec) bool {
	return p.Type == ebpf.LSM && p.AttachType == ebpf.AttachLSMCgroup ||
		p.Type == ebpf.Tracing && p.AttachType == AttachTraceFSession
}

// Own loads a program that NeedsOwnLoad, with the maps of its object. It does what
// the library does for other programs, but for .kconfig variables and functions of
// the kernel, which it refuses.
// Errors: as the library's; *ebpf.VerifierError when the kernel refuses it.
func Own(p *ebpf.ProgramSpec, maps map[string]*ebpf.Map, kernel *btf.Cache, opts ebpf.ProgramOptions) (*ebpf.Program, error) {
	hook, err := attachTo(p, kernel)
	if err != nil {
		return nil, err
	}
	insns := slices.Clone(p.Instructions)
	for i := range insns {
		ins := &insns[i]
		if ins.IsKfuncCall() || ins.Src == asm.PseudoMapValue && ins.Reference() == "" {
			return nil, fmt.Errorf("instruction %d: functions and configuration of the kernel are not there for %s programs: %w", i, p.SectionName, ebpf.ErrNotSupported)
		}
		if !ins.IsLoadFromMap() || ins.Reference() == "" {
			continue
		}
		m := maps[ins.Reference()]
		if m == nil {
			return nil, fmt.Errorf("instruction %d: no map %s", i, ins.Reference())
		}
		if err := ins.AssociateMap(m); err != nil {
			return nil, err
		}
	}
	types := new(btf.Builder)
	if err := relocate(insns, p.ByteOrder, types, kernel); err != nil {
		return nil, err
	}
	functions, lines, err := btf.MarshalExtInfos(insns, types)
	if err != nil {
		return nil, err
	}
	attr := progAttr{
		progType: uint32(p.Type), progFlags: p.Flags, attachType: uint32(p.AttachType), attachBTF: uint32(hook),
		funcSize: btf.FuncInfoSize, funcCount: uint32(len(functions)) / btf.FuncInfoSize,
		lineSize: btf.LineInfoSize, lineCount: uint32(len(lines)) / btf.LineInfoSize,
	}
	if !types.Empty() {
		handle, err := btf.NewHandle(types)
		if err != nil {
			return nil, err
		}
		defer handle.Close()
		attr.btfFD = uint32(handle.FD())
	}
	copy(attr.name[:15], p.Name)
	var code bytes.Buffer
	if err := insns.Marshal(&code, p.ByteOrder); err != nil {
		return nil, err
	}
	return attr.load(code.Bytes(), functions, lines, p.License, opts)
}

// attachTo returns the type of the function that a program is loaded for: for an
// LSM program the one that stands for its hook. Functions of modules are not found.
func attachTo(p *ebpf.ProgramSpec, kernel *btf.Cache) (btf.TypeID, error) {
	function, word := p.AttachTo, "BPF_TRACE_FSESSION"
	if p.Type == ebpf.LSM {
		function, word = "bpf_lsm_"+function, "BPF_LSM_CGROUP"
	}
	spec, err := kernel.Kernel()
	if err != nil {
		return 0, err
	}
	var known *btf.Enum
	if err := spec.TypeByName("bpf_attach_type", &known); err == nil &&
		!slices.ContainsFunc(known.Values, func(v btf.EnumValue) bool { return v.Name == word }) {
		return 0, fmt.Errorf("this kernel has no %s (lsm_cgroup came with Linux 6.0, fsession with 7.0): %w", word, ebpf.ErrNotSupported)
	}
	var fn *btf.Func
	if err := spec.TypeByName(function, &fn); err != nil {
		return 0, fmt.Errorf("function %s: %w", function, err)
	}
	return spec.TypeID(fn)
}

// relocate applies CO-RE relocations.
func relocate(insns asm.Instructions, order binary.ByteOrder, types *btf.Builder, kernel *btf.Cache) error {
	var relos []*btf.CORERelocation
	var where []*asm.Instruction
	for i := range insns {
		if r := btf.CORERelocationMetadata(&insns[i]); r != nil {
			relos, where = append(relos, r), append(where, &insns[i])
		}
	}
	if len(relos) == 0 {
		return nil
	}
	spec, err := kernel.Kernel()
	if err != nil {
		return err
	}
	targets := []*btf.Spec{spec}
	modules, err := kernel.Modules()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range modules {
		if module, err := kernel.Module(name); err == nil {
			targets = append(targets, module)
		}
	}
	fixups, err := btf.CORERelocate(relos, targets, order, types.Add)
	if err != nil {
		return fmt.Errorf("apply CO-RE relocations: %w", err)
	}
	for i, fixup := range fixups {
		if err := fixup.Apply(where[i]); err != nil {
			return fmt.Errorf("apply CO-RE relocations: %w", err)
		}
	}
	return nil
}

// progAttr is what BPF_PROG_LOAD takes (union bpf_attr in linux/bpf.h).
type progAttr struct {
	progType, count     uint32
	insns, license      unsafe.Pointer
	logLevel, logSize   uint32
	log                 unsafe.Pointer
	version, progFlags  uint32
	name                [16]byte
	ifindex, attachType uint32
	btfFD, funcSize     uint32
	funcs               unsafe.Pointer
	funcCount, lineSize uint32
	lines               unsafe.Pointer
	lineCount           uint32
	attachBTF           uint32
	attachProg          uint32
	_                   uint32
}

// Sizes of the verifier's log that are tried.
const (
	firstLog = 256 << 10
	lastLog  = 16 << 20
)

// load asks the kernel, again with a log when it refuses.
func (a *progAttr) load(code, functions, lines []byte, license string, opts ebpf.ProgramOptions) (*ebpf.Program, error) {
	text := append([]byte(license), 0)
	a.count = uint32(len(code) / asm.InstructionSize)
	a.insns, a.license, a.logLevel = unsafe.Pointer(&code[0]), unsafe.Pointer(&text[0]), uint32(opts.LogLevel)
	a.funcs, a.lines = pointer(functions), pointer(lines)
	for size := max(firstLog, opts.LogSizeStart); ; size *= 4 {
		log := make([]byte, size)
		a.log, a.logSize = nil, 0
		if a.logLevel != 0 {
			a.log, a.logSize = unsafe.Pointer(&log[0]), size
		}
		fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(a)), unsafe.Sizeof(*a))
		runtime.KeepAlive([][]byte{code, text, functions, lines, log})
		switch {
		case errno == 0:
			prog, err := ebpf.NewProgramFromFD(int(fd))
			if err == nil {
				prog.VerifierLog = unix.ByteSliceToString(log)
			}
			return prog, err
		case errno == unix.EPERM:
			return nil, errno
		case a.logLevel == 0:
			a.logLevel = uint32(ebpf.LogLevelBranch)
		case errno != unix.ENOSPC || size >= lastLog:
			lines := strings.Split(strings.TrimSpace(unix.ByteSliceToString(log)), "\n")
			if lines[0] == "" {
				return nil, errno
			}
			return nil, &ebpf.VerifierError{Cause: errno, Log: lines}
		}
	}
}

func pointer(b []byte) unsafe.Pointer {
	if len(b) == 0 {
		return nil
	}
	return unsafe.Pointer(&b[0])
}
