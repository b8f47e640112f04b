package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/verifier"
)

// Object is what one object file became in the kernel. Closing it lets go of
// everything that is not pinned or attached.
type Object struct {
	Spec     *ebpf.CollectionSpec
	Programs map[string]*ebpf.Program // by the name in the object
	Maps     map[string]*ebpf.Map     // by the name in the object
}

// Load creates the maps of spec, but those that instead has for them by name, and
// loads its programs. Pins that the object
// asks for are not made: where things are pinned is the caller's matter. kernel
// is the cache of the kernel's BTF; indexing it anew for each load would cost
// ten milliseconds.
//
// Errors: *api.VerifierError, ErrNotSupported, ErrPermission, ErrInvalid.
func Load(ctx context.Context, spec *ebpf.CollectionSpec, kernel *btf.Cache, instead map[string]*ebpf.Map) (*Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	RaiseMemlock()
	FillKconfig(spec)
	spec = spec.Copy()
	for _, m := range spec.Maps {
		m.Pinning = ebpf.PinNone
	}
	for _, name := range sorted(spec.Programs) {
		if spec.Programs[name].Type == ebpf.UnspecifiedProgram {
			return nil, api.Errorf("load", name, api.ErrInvalid,
				fmt.Sprintf("section %q names no type of program", spec.Programs[name].SectionName))
		}
	}
	others := *spec
	others.Programs = maps.Clone(spec.Programs)
	maps.DeleteFunc(others.Programs, func(_ string, p *ebpf.ProgramSpec) bool { return NeedsOwnLoad(p) })
	coll, err := ebpf.NewCollectionWithOptions(&others, ebpf.CollectionOptions{Cache: kernel, MapReplacements: instead})
	if err != nil {
		return nil, Explain(spec, err)
	}
	obj := &Object{Spec: spec, Programs: coll.Programs, Maps: coll.Maps}
	for _, name := range sorted(spec.Programs) {
		if !NeedsOwnLoad(spec.Programs[name]) {
			continue
		}
		prog, err := Own(spec.Programs[name], obj.Maps, kernel, ebpf.ProgramOptions{})
		if err != nil {
			obj.Close()
			return nil, Explain(spec, fmt.Errorf("program %s: %w", name, err))
		}
		obj.Programs[name] = prog
	}
	return obj, nil
}

// Close lets go of all programs and maps.
func (o *Object) Close() {
	for _, p := range o.Programs {
		_ = p.Close()
	}
	for _, m := range o.Maps {
		_ = m.Close()
	}
}

// ProgramNames returns the names of the programs, sorted.
func (o *Object) ProgramNames() []string { return sorted(o.Programs) }

// MapNames returns the names of the maps, sorted.
func (o *Object) MapNames() []string { return sorted(o.Maps) }

func sorted[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// RaiseMemlock raises the limit on locked memory as far as it is allowed to
// be: before Linux 5.11 maps and programs count against it. Later kernels do
// not look at it, so that failing here means nothing.
func RaiseMemlock() {
	infinite := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if unix.Setrlimit(unix.RLIMIT_MEMLOCK, &infinite) == nil {
		return
	}
	var now unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &now) == nil && now.Cur < now.Max {
		now.Cur = now.Max
		_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &now)
	}
}

// Explain turns an error of cilium/ebpf about a collection into one of ours.
func Explain(spec *ebpf.CollectionSpec, err error) error {
	kind, name := culprit(spec, err)
	cause := strings.TrimPrefix(err.Error(), kind+" "+name+": ")
	// The library's guess at any EPERM; locked memory is seldom the cause.
	cause = strings.TrimSuffix(cause, " (MEMLOCK may be too low, consider rlimit.RemoveMemlock)")
	var refused *ebpf.VerifierError
	switch {
	case errors.As(err, &refused) && len(refused.Log) > 0:
		e := verifier.Error(name, strings.Join(refused.Log, "\n")+"\n", refused.Cause)
		locate(e, spec.Programs[name])
		return e
	case kind == "program" && errors.Is(err, unix.EFAULT):
		// The library guesses at the reason and speaks of its own options.
		e := verifier.Error(name, "", err)
		e.Summary = "bad address (EFAULT), and no log"
		return e
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES), errors.Is(err, os.ErrPermission):
		return api.Errorf("load", name, api.ErrPermission, cause).WithHint("ebpfdev doctor")
	case lacking(spec, kind, name):
		return api.Errorf("load", name, api.ErrNotSupported, "this kernel has no "+kind+"s of its type ("+cause+")")
	case errors.Is(err, ebpf.ErrNotSupported), errors.Is(err, btf.ErrNotFound):
		return api.Errorf("load", name, api.ErrNotSupported, cause)
	case errors.Is(err, unix.ENOMEM), errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EMFILE):
		return api.Errorf("load", name, api.ErrEnvironment, cause)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.E2BIG):
		return api.Errorf("load", name, api.ErrInvalid, cause)
	default:
		return api.Errorf("load", name, api.ErrFailed, cause)
	}
}

// culprit finds in an error's text which program or map it is about:
// cilium/ebpf begins it with "program NAME: " or "map NAME: ".
func culprit(spec *ebpf.CollectionSpec, err error) (kind, name string) {
	text := err.Error()
	for name := range spec.Programs {
		if strings.HasPrefix(text, "program "+name+": ") {
			return "program", name
		}
	}
	for name := range spec.Maps {
		if strings.HasPrefix(text, "map "+name+": ") {
			return "map", name
		}
	}
	return "", ""
}

// lacking reports whether the kernel has no such type of program or map at all.
func lacking(spec *ebpf.CollectionSpec, kind, name string) bool {
	switch kind {
	case "program":
		return errors.Is(features.HaveProgramType(spec.Programs[name].Type), ebpf.ErrNotSupported)
	case "map":
		return errors.Is(features.HaveMapType(spec.Maps[name].Type), ebpf.ErrNotSupported)
	default:
		return false
	}
}

// locate fills in the source file as the compiler was given it, from the
// object's own BTF: the log has its base name only. Kernels before 6.8 log no
// more than the text of the line, which leaves its number to the BTF as well.
func locate(e *api.VerifierError, prog *ebpf.ProgramSpec) {
	if prog == nil {
		return
	}
	insn := verifier.ParseFailure(e.Log).Insn
	known := e.Line != 0
	iter := prog.Instructions.Iterate()
	for iter.Next() {
		line, ok := iter.Ins.Source().(*btf.Line)
		if !ok || line.LineNumber() == 0 {
			continue
		}
		name := path.Clean(line.FileName())
		switch {
		case known && e.Line == int(line.LineNumber()) && e.File == path.Base(name):
			e.File = name
			return
		case !known && int(iter.Offset) <= insn:
			e.File, e.Line, e.Source = name, int(line.LineNumber()), strings.TrimSpace(line.Line())
		}
	}
}
