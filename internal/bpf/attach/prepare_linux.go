package attach

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// Prepare sets in the specification what the kernel wants to know when it loads
// a program: the function that tracing, LSM and replacing programs attach to. It
// leaves out the programs that are optional (SEC("?...")) and not named by an
// option, which it returns. Call done when the object is loaded.
// Errors: ErrUsage (no target is given), ErrNotExist (no such program).
func (o Options) Prepare(spec *ebpf.CollectionSpec) (left []api.Unattached, done func(), _ error) {
	var targets []*ebpf.Program
	done = func() {
		for _, p := range targets {
			_ = p.Close()
		}
	}
	for _, name := range programNames(spec) {
		p := spec.Programs[name]
		if _, named := o.byName[name]; strings.HasPrefix(p.SectionName, "?") && !named && p.Type != ebpf.StructOps {
			delete(spec.Programs, name)
			left = append(left, api.Unattached{
				Program: name, Reason: "it is optional (section " + p.SectionName + ") and was not loaded", Hint: "--attach " + name + "=" + example(p),
			})
			continue
		}
		switch {
		case p.Type == ebpf.Extension:
			target, err := o.replaced(name, p)
			if err != nil {
				done()
				return nil, nil, err
			}
			targets = append(targets, target)
		case p.Type == ebpf.Tracing && !mapIterator(p), p.Type == ebpf.LSM && p.AttachType != ebpf.AttachLSMCgroup:
			p.AttachTo = o.of(name, p.AttachTo).Target
			if p.AttachTo == "" {
				done()
				return nil, nil, unloadable(name, "section "+p.SectionName+" names no target, which it is loaded for", example(p))
			}
		}
	}
	return left, done, nil
}

func programNames(spec *ebpf.CollectionSpec) []string {
	var names []string
	for name := range spec.Programs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// example is a target as a program's type wants it.
func example(p *ebpf.ProgramSpec) string {
	switch {
	case p.AttachTo != "" && p.Type != ebpf.Extension:
		return p.AttachTo
	case p.Type == ebpf.LSM:
		return "file_open"
	case p.AttachType == ebpf.AttachTraceRawTp:
		return "sched_switch"
	case p.AttachType == ebpf.AttachTraceIter:
		return "task"
	case p.Type == ebpf.Tracing:
		return "vfs_read"
	case p.Type == ebpf.Extension:
		return "PROGRAM:FUNCTION"
	default:
		return "TARGET"
	}
}

func unloadable(name, cause, target string) error {
	return api.Errorf("load", name, api.ErrUsage, cause).
		WithHint(shell.Join("ebpfdev", "load", "--attach", name+"="+target))
}

// replaced finds the program whose function a program of type ext replaces:
// PROGRAM[:FUNCTION], by id or by name. Without a function it is the one that the
// section names, or the program's first.
func (o Options) replaced(name string, p *ebpf.ProgramSpec) (*ebpf.Program, error) {
	opt := o.of(name, "")
	if opt.Target == "" {
		return nil, unloadable(name, "it replaces a function of a program, which it is loaded for", "PROGRAM:FUNCTION")
	}
	program, function, _ := strings.Cut(opt.Target, ":")
	target, err := findProgram(program)
	if err != nil {
		return nil, api.Errorf("load", name, api.KindOf(err), "the program "+program+", which it is for: "+err.Error()).
			WithHint("ebpfdev prog list")
	}
	if function == "" {
		function = p.AttachTo
	}
	if function == "" {
		if function, err = firstFunction(target); err != nil {
			_ = target.Close()
			return nil, unloadable(name, "the function of "+program+" that it replaces: "+err.Error(), program+":FUNCTION")
		}
	}
	p.AttachTarget, p.AttachTo = target, function
	return target, nil
}

// findProgram opens a program of this kernel by its id or its name.
func findProgram(which string) (*ebpf.Program, error) {
	if id, err := strconv.ParseUint(which, 10, 32); err == nil {
		p, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
		if err != nil {
			return nil, api.Errorf("", "", api.ErrNotExist, "no program has this id")
		}
		return p, nil
	}
	var found *ebpf.Program
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil {
			break
		}
		id = next
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // gone meanwhile
		}
		if !isNamed(p, which) {
			_ = p.Close()
			continue
		}
		if found != nil {
			_, _ = found.Close(), p.Close()
			return nil, api.Errorf("", "", api.ErrUsage, "several programs have this name; give an id")
		}
		found = p
	}
	if found == nil {
		return nil, api.Errorf("", "", api.ErrNotExist, "no program of this kernel has this name")
	}
	return found, nil
}

// isNamed compares a program's name, of which the kernel keeps 15 bytes, with the
// full one of its first function where it has types.
func isNamed(p *ebpf.Program, name string) bool {
	info, err := p.Info()
	if err != nil || info.Name == "" || !strings.HasPrefix(name, info.Name) {
		return false
	}
	if info.Name == name {
		return true
	}
	full, err := firstFunction(p)
	return err == nil && full == name
}

func firstFunction(p *ebpf.Program) (string, error) {
	info, err := p.Info()
	if err != nil {
		return "", err
	}
	functions, err := info.FuncInfos()
	if err != nil || len(functions) == 0 {
		return "", errors.New("it has no types that name one")
	}
	return functions[0].Func.Name, nil
}
