package attach

import (
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Options are a request's attach options, by program.
type Options struct {
	byName map[string]api.AttachOption
	all    *api.AttachOption // for every program that needs a target
}

// NewOptions checks that every option names a program of the object.
// Errors: ErrUsage.
func NewOptions(spec *ebpf.CollectionSpec, opts []api.AttachOption) (Options, error) {
	o := Options{byName: map[string]api.AttachOption{}}
	for _, opt := range opts {
		if opt.Program == "*" {
			o.all = &opt
			continue
		}
		if spec.Programs[opt.Program] == nil {
			return Options{}, api.Errorf("attach", opt.Program, api.ErrUsage,
				"the object has no such program; it has "+names(spec))
		}
		if _, twice := o.byName[opt.Program]; twice {
			return Options{}, api.Errorf("attach", opt.Program, api.ErrUsage, "it is given two targets")
		}
		o.byName[opt.Program] = opt
	}
	return o, nil
}

func names(spec *ebpf.CollectionSpec) string {
	list := make([]string, 0, len(spec.Programs))
	for name := range spec.Programs {
		list = append(list, name)
	}
	if len(list) == 0 {
		return "no programs"
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// of returns the option for a program; sectionTarget is what its section says
// already.
func (o Options) of(program, sectionTarget string) api.AttachOption {
	if opt, ok := o.byName[program]; ok {
		return opt
	}
	opt := api.AttachOption{Program: program, Target: sectionTarget}
	if o.all != nil && sectionTarget == "" {
		opt.Target, opt.Mode = o.all.Target, o.all.Mode
	}
	return opt
}

// sectionTarget returns where a program's section says that it is attached. Of
// some the section says what it is loaded for, and not where it is attached.
func sectionTarget(p *ebpf.ProgramSpec) string {
	switch {
	case p.Type == ebpf.LSM && p.AttachType == ebpf.AttachLSMCgroup, p.Type == ebpf.Extension, mapIterator(p):
		return ""
	default:
		return p.AttachTo
	}
}
