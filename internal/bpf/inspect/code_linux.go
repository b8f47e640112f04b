package inspect

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"strconv"
	"unsafe"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/disasm"
)

// Code returns the code of a program, with names and lines. What the kernel hides
// is left out and said so.
// Errors: ErrUsage, ErrNotExist, ErrPermission.
func (v *View) Code(ctx context.Context, req api.CodeRequest) (api.Code, error) {
	const op = "read code"
	object := "program " + strconv.FormatUint(uint64(req.ID), 10)
	if err := ctx.Err(); err != nil {
		return api.Code{}, err
	}
	if !req.Xlated && !req.Jited {
		return api.Code{}, api.Errorf(op, object, api.ErrUsage, "neither xlated nor jited is asked for")
	}
	fd, err := openID(unix.BPF_PROG_GET_FD_BY_ID, req.ID)
	if err != nil {
		return api.Code{}, codeError(op, object, err)
	}
	defer unix.Close(fd)
	raw, err := readCode(fd)
	if err != nil {
		return api.Code{}, codeError(op, object, err)
	}
	p, err := raw.program()
	if err != nil {
		return api.Code{}, api.E(op, object, api.ErrFailed, err)
	}
	out := api.Code{ID: req.ID, Name: p.Name, Machine: p.Machine}
	names, err := v.codeNames(ctx, fd, raw.info.mapIDs)
	if err != nil {
		return api.Code{}, err
	}
	if req.Xlated {
		if out.XlatedHidden = raw.xlatedHidden(); out.XlatedHidden == "" {
			out.Xlated = p.Insns(names)
		}
	}
	if req.Jited {
		if out.JitedHidden = raw.jitedHidden(p.Machine); out.JitedHidden == "" {
			out.Jited = p.Code(names)
		}
	}
	return out, nil
}

func codeError(op, object string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return api.Errorf(op, object, api.ErrNotExist, "the kernel holds none with this id").WithHint("ebpfdev prog list")
	case errors.Is(err, os.ErrPermission):
		return api.E(op, object, api.ErrPermission, err).WithHint("ebpfdev doctor")
	default:
		return api.E(op, object, api.ErrFailed, err)
	}
}

// rawCode is what the kernel tells of a program's code.
type rawCode struct {
	info          progInfo // what there is, by the first question
	got           progInfo // what it told, by the second
	xlated, jited []byte
	addresses     []uint64
	lengths       []uint32
	funcs, lines  []byte
	lineAddrs     []uint64
}

// readCode asks twice: for the sizes, then for what has them. A program does not
// change.
func readCode(fd int) (*rawCode, error) {
	info, err := programInfo(fd)
	if err != nil {
		return nil, err
	}
	c := &rawCode{
		info: info, xlated: make([]byte, info.xlatedLen), jited: make([]byte, info.jitedLen),
		addresses: make([]uint64, info.ksyms), lengths: make([]uint32, info.funcLens),
		funcs: make([]byte, info.nFuncInfo*info.funcInfoSize), lines: make([]byte, info.nLineInfo*info.lineSize),
		lineAddrs: make([]uint64, info.nJitLine),
	}
	var pinner runtime.Pinner // the kernel gets addresses as numbers
	defer pinner.Unpin()
	c.got = progInfo{
		xlatedLen: info.xlatedLen, jitedLen: info.jitedLen, ksyms: info.ksyms, funcLens: info.funcLens,
		nFuncInfo: info.nFuncInfo, funcInfoSize: info.funcInfoSize, nLineInfo: info.nLineInfo, lineSize: info.lineSize,
		nJitLine: info.nJitLine, jitLineSize: info.jitLineSize,
		xlated: pinned(&pinner, c.xlated), jited: pinned(&pinner, c.jited),
		ksymsAt: pinned(&pinner, c.addresses), funcLensAt: pinned(&pinner, c.lengths),
		funcInfo: pinned(&pinner, c.funcs), lineInfo: pinned(&pinner, c.lines), jitLineInfo: pinned(&pinner, c.lineAddrs),
	}
	return c, objectInfo(fd, unsafe.Pointer(&c.got), unsafe.Sizeof(c.got))
}

// pinned returns the address of a list for the kernel, 0 for an empty one.
func pinned[T any](p *runtime.Pinner, list []T) uint64 {
	if len(list) == 0 {
		return 0
	}
	p.Pin(&list[0])
	return uint64(uintptr(unsafe.Pointer(&list[0])))
}

// xlatedHidden says why there are no BPF instructions, "" when there are. The
// kernel sets the address to 0 of what it does not tell.
func (c *rawCode) xlatedHidden() string {
	switch {
	case c.info.xlatedLen == 0:
		return "the kernel shows code to CAP_SYS_ADMIN, or CAP_BPF with CAP_PERFMON"
	case c.got.xlated == 0:
		return "its constants are blinded (net.core.bpf_jit_harden), and kernel.kptr_restrict keeps them hidden"
	default:
		return ""
	}
}

func (c *rawCode) jitedHidden(machine string) string {
	switch {
	case c.info.xlatedLen == 0 || c.got.xlated == 0:
		return c.xlatedHidden()
	case c.info.jitedLen == 0:
		return "it is interpreted: net.core.bpf_jit_enable was 0, or the kernel has no JIT for it"
	case c.got.jited == 0:
		return "it has the kernel's addresses, which are only for CAP_SYSLOG, and for nobody when kernel.kptr_restrict is 2"
	case !disasm.Known(machine):
		return "machine code of " + machine + " cannot be read here"
	default:
		return ""
	}
}

// program puts together what a person reads.
func (c *rawCode) program() (*disasm.Program, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return nil, os.NewSyscallError("uname", err)
	}
	p := &disasm.Program{
		Name: programName(&c.info), Machine: text(uts.Machine[:]),
		Xlated: c.xlated, Jited: c.jited, Lengths: c.lengths,
	}
	if c.got.ksymsAt != 0 {
		p.Addresses = c.addresses
	}
	if c.info.btfID == 0 {
		return p, nil
	}
	h, err := btf.NewHandleFromID(btf.ID(c.info.btfID))
	if err != nil {
		return p, nil //nolint:nilerr // without the right to read BTF there are no names and lines
	}
	defer h.Close()
	spec, err := h.Spec(nil)
	if err != nil {
		return nil, err
	}
	return p, c.addSource(p, spec)
}

// addSource adds the functions' names and the lines.
func (c *rawCode) addSource(p *disasm.Program, spec *btf.Spec) error {
	funcs, err := btf.LoadFuncInfos(bytes.NewReader(c.funcs), binary.NativeEndian, c.info.nFuncInfo, spec)
	if err != nil {
		return err
	}
	for _, f := range funcs {
		p.Funcs = append(p.Funcs, disasm.Func{Offset: uint32(f.Offset), Name: f.Func.Name})
	}
	lines, err := btf.LoadLineInfos(bytes.NewReader(c.lines), binary.NativeEndian, c.info.nLineInfo, spec)
	if err != nil {
		return err
	}
	for _, l := range lines {
		p.Lines = append(p.Lines, disasm.Line{Offset: uint32(l.Offset), Source: api.SourceLine{
			File: l.Line.FileName(), Line: l.Line.LineNumber(), Column: l.Line.LineColumn(), Text: l.Line.Line(),
		}})
	}
	if c.got.jitLineInfo != 0 && len(c.lineAddrs) == len(p.Lines) {
		p.LineAddrs = c.lineAddrs
	}
	return nil
}

// codeNames looks up what the code may refer to.
func (v *View) codeNames(ctx context.Context, fd int, maps uint32) (disasm.Names, error) {
	ids, err := programMaps(fd, maps)
	if err != nil {
		return disasm.Names{}, api.E("read code", "", api.ErrFailed, err)
	}
	mapNames := map[uint32]string{}
	if len(ids) > 0 {
		list, err := v.Maps(ctx, api.ListRequest{IDs: ids})
		if err != nil {
			return disasm.Names{}, err
		}
		for _, m := range list {
			mapNames[m.ID] = m.Name
		}
	}
	symbols := readSymbols()
	base, _ := symbols.address("__bpf_call_base")
	return disasm.Names{
		Symbol: symbols.at, CallBase: base,
		Map:        func(id uint32) string { return mapNames[id] },
		KernelFunc: kernelFunc,
	}, nil
}

// kernelFunc returns the name of a function in the kernel's BTF.
func kernelFunc(id uint32) string {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return ""
	}
	t, err := spec.TypeByID(btf.TypeID(id))
	if err != nil {
		return ""
	}
	if f, ok := t.(*btf.Func); ok {
		return f.Name
	}
	return ""
}
