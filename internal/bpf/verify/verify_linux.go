package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/bpf/load"
	"github.com/ebpfdev/ebpfdev/internal/verifier"
)

// maxLogs bounds the logs of one result together, so that it stays a size that
// can be sent and shown.
const maxLogs = 6 << 20

// failureLog is the first size of the buffer for the log of a program that was
// refused. A log that does not fit costs a second load, room that is not used
// costs time as well.
const failureLog = 4 << 20

// Object verifies programs of an object, all or those named, in the order of
// their names.
// Errors: ErrUsage (no such program).
func Object(ctx context.Context, spec *ebpf.CollectionSpec, req api.VerifyRequest, kernel *btf.Cache) (api.VerifyResult, error) {
	res := api.VerifyResult{Object: req.Object.Name, Kernel: release(), Programs: []api.ProgramReport{}}
	names, err := selected(spec, req.Programs)
	if err != nil {
		return res, err
	}
	load.RaiseMemlock()
	load.FillKconfig(spec)
	v := &verification{spec: relax(spec), kernel: kernel, full: req.FullLog, maps: map[string]*ebpf.Map{}, mapErr: map[string]error{}}
	defer v.close()
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return res, err
		}
		res.Programs = append(res.Programs, v.program(name))
	}
	boundLogs(res.Programs)
	return res, nil
}

func selected(spec *ebpf.CollectionSpec, want []string) ([]string, error) {
	if len(want) == 0 {
		for name := range spec.Programs {
			want = append(want, name)
		}
	}
	for _, name := range want {
		if spec.Programs[name] == nil {
			return nil, api.Errorf("verify", name, api.ErrUsage, "the object has no such program")
		}
	}
	want = slices.Clone(want)
	slices.Sort(want)
	return slices.Compact(want), nil
}

// boundLogs shares out maxLogs among the logs of a result.
func boundLogs(reports []api.ProgramReport) {
	logs := 0
	for _, r := range reports {
		if r.Log != "" {
			logs++
		}
	}
	for i := range reports {
		if reports[i].Log != "" {
			log, cut := verifier.Bound(reports[i].Log, maxLogs/logs)
			reports[i].Log, reports[i].LogTruncated = log, reports[i].LogTruncated || cut
		}
	}
}

func release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// relax returns a copy of the object in which maps can be created without what
// their own loader would have set: no pins, no programs in program arrays, and
// one entry where the loader decides how many.
func relax(spec *ebpf.CollectionSpec) *ebpf.CollectionSpec {
	spec = spec.Copy()
	for _, m := range spec.Maps {
		m.Pinning = ebpf.PinNone
		switch m.Type {
		case ebpf.ProgramArray, ebpf.ArrayOfMaps, ebpf.HashOfMaps:
			m.Contents = nil
		}
		switch m.Type {
		case ebpf.SkStorage, ebpf.TaskStorage, ebpf.InodeStorage, ebpf.CgroupStorage, ebpf.PerfEventArray,
			ebpf.CPUMap, ebpf.CGroupStorage, ebpf.PerCPUCGroupStorage, ebpf.StructOpsMap:
			// The kernel or the library knows how many.
		default:
			m.MaxEntries = max(m.MaxEntries, 1)
		}
	}
	return spec
}

// verification is the work on one object.
type verification struct {
	spec   *ebpf.CollectionSpec
	kernel *btf.Cache
	full   bool
	maps   map[string]*ebpf.Map
	mapErr map[string]error
}

func (v *verification) close() {
	for _, m := range v.maps {
		_ = m.Close()
	}
}

// program verifies one program.
func (v *verification) program(name string) api.ProgramReport {
	spec := v.spec.Programs[name]
	r := api.ProgramReport{
		Program: name, Section: spec.SectionName, Type: inspect.ProgramType(spec.Type),
		ProgramSize: rawInstructions(spec.Instructions),
	}
	if spec.Type == ebpf.UnspecifiedProgram {
		return failed(r, "its section names no type of program")
	}
	if spec.Type == ebpf.Extension && spec.AttachTarget == nil {
		return failed(r, "it replaces a function of a program, which it is loaded for: ebpfdev load --attach "+name+"=PROGRAM:FUNCTION verifies it")
	}
	alone, shared, err := v.isolate(name)
	if err != nil {
		return failed(r, err.Error())
	}
	level := ebpf.LogLevel(ebpf.LogLevelStats)
	if v.full {
		level |= ebpf.LogLevelInstruction
	}
	log, prog, err := v.load(alone, shared, ebpf.ProgramOptions{LogLevel: level})
	if err == nil {
		defer prog.Close()
		return v.accepted(r, log, prog)
	}
	// The instructions that led to the failure are in the log of level 1 only.
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) && !v.full {
		opts := ebpf.ProgramOptions{LogLevel: ebpf.LogLevelBranch | ebpf.LogLevelStats, LogSizeStart: failureLog}
		if _, prog, again := v.load(alone, shared, opts); again == nil {
			_ = prog.Close() // it depends on something that just changed: believe the first answer
		} else {
			err = again
		}
	}
	return rejected(r, load.Explain(alone, err))
}

// isolate returns an object with one program and the maps that it uses.
func (v *verification) isolate(name string) (*ebpf.CollectionSpec, map[string]*ebpf.Map, error) {
	alone := &ebpf.CollectionSpec{
		Maps:      map[string]*ebpf.MapSpec{},
		Programs:  map[string]*ebpf.ProgramSpec{name: v.spec.Programs[name]},
		Types:     v.spec.Types,
		ByteOrder: v.spec.ByteOrder,
	}
	shared := map[string]*ebpf.Map{}
	insns := v.spec.Programs[name].Instructions
	for i := range insns {
		ref := insns[i].Reference()
		if ref == "" || !insns[i].IsLoadFromMap() || v.spec.Maps[ref] == nil || shared[ref] != nil {
			continue
		}
		m, err := v.mapOf(ref)
		if err != nil {
			return nil, nil, err
		}
		alone.Maps[ref], shared[ref] = v.spec.Maps[ref], m
	}
	return alone, shared, nil
}

// mapOf creates a map the first time that a program asks for it.
func (v *verification) mapOf(name string) (*ebpf.Map, error) {
	if m, err := v.maps[name], v.mapErr[name]; m != nil || err != nil {
		return m, err
	}
	only := &ebpf.CollectionSpec{
		Maps:      map[string]*ebpf.MapSpec{name: v.spec.Maps[name]},
		Variables: map[string]*ebpf.VariableSpec{},
		Types:     v.spec.Types, ByteOrder: v.spec.ByteOrder,
	}
	for n, variable := range v.spec.Variables {
		if variable.SectionName == name {
			only.Variables[n] = variable
		}
	}
	coll, err := ebpf.NewCollectionWithOptions(only, ebpf.CollectionOptions{Cache: v.kernel})
	if err != nil {
		v.mapErr[name] = load.Explain(only, err)
		return nil, v.mapErr[name]
	}
	v.maps[name] = coll.DetachMap(name)
	coll.Close()
	return v.maps[name], nil
}

// load loads the one program of an object.
func (v *verification) load(spec *ebpf.CollectionSpec, maps map[string]*ebpf.Map, opts ebpf.ProgramOptions) (string, *ebpf.Program, error) {
	for name, p := range spec.Programs {
		if !load.NeedsOwnLoad(p) {
			continue
		}
		prog, err := load.Own(p, maps, v.kernel, opts)
		if err != nil {
			return "", nil, fmt.Errorf("program %s: %w", name, err)
		}
		return prog.VerifierLog, prog, nil
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		Cache: v.kernel, MapReplacements: maps, Programs: opts,
	})
	if err != nil {
		return "", nil, err
	}
	defer coll.Close()
	for name := range spec.Programs {
		prog := coll.DetachProgram(name)
		return prog.VerifierLog, prog, nil
	}
	return "", nil, errors.New("no program")
}

func (v *verification) accepted(r api.ProgramReport, log string, prog *ebpf.Program) api.ProgramReport {
	r.Verdict = api.VerdictAccepted
	figures(&r, log)
	if v.full {
		r.Log = log
	}
	if info, err := prog.Info(); err == nil {
		if n, err := info.TranslatedSize(); err == nil {
			r.BytesXlated = n
		}
		if n, err := info.JitedSize(); err == nil {
			r.BytesJited = int(n)
		}
	}
	return r
}

// rejected makes the report on a program that was not loaded.
func rejected(r api.ProgramReport, err error) api.ProgramReport {
	var refused *api.VerifierError
	if !errors.As(err, &refused) {
		return failed(r, strings.TrimPrefix(err.Error(), "load "+r.Program+": "))
	}
	r.Verdict = api.VerdictRejected
	figures(&r, refused.Log)
	r.Log, r.LogTruncated = refused.Log, refused.Truncated
	r.Reason, r.Why, r.Fix = refused.Summary, refused.Why, refused.Fix
	r.File, r.Line, r.Source = refused.File, refused.Line, refused.Source
	return r
}

func failed(r api.ProgramReport, reason string) api.ProgramReport {
	r.Verdict, r.Reason = api.VerdictError, reason
	return r
}

func figures(r *api.ProgramReport, log string) {
	s := verifier.ParseStats(log)
	r.Insns, r.States, r.PeakStates = s.Insns, s.TotalStates, s.PeakStates
	r.MaxStatesPerInsn, r.MarkRead = s.MaxStatesPerInsn, s.MarkRead
	r.StackDepth, r.VerificationTime = s.StackDepth, s.Time
}

// rawInstructions counts instructions as the kernel does: those that load 64
// bits count twice.
func rawInstructions(insns asm.Instructions) int {
	return int(insns.Size() / asm.InstructionSize)
}
