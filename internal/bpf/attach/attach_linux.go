package attach

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// job is one program to attach.
type job struct {
	name    string
	spec    *ebpf.ProgramSpec
	prog    *ebpf.Program
	section string // its section's kind: "tracepoint", "tc/ingress", "uprobe.s"
	target  string // of the section or the option
	mode    string
	given   bool // an option names the program
}

// attacher attaches one kind of program. A *skip as error leaves it unattached.
type attacher func(*job) (link.Link, error)

// A skip says why a program is loaded and not attached.
type skip struct{ reason, hint string }

// Error returns the reason.
func (s *skip) Error() string { return s.reason }

// needs says what a program's target has to be: a program without one is left
// alone, and one that somebody gave a wrong target is refused.
func needs(j *job, what, example string) error {
	if j.given && j.target != "" {
		return api.Errorf("attach", j.name, api.ErrUsage, strconv.Quote(j.target)+" is not "+what).
			WithHint(shell.Join("ebpfdev", "load", "--attach", j.name+"="+example))
	}
	return &skip{reason: "it needs " + what, hint: "--attach " + j.name + "=" + example}
}

// Program attaches one loaded program. Either the link or the Unattached is
// set when there is no error.
//
// Errors: ErrNotSupported (this kernel has no such attach target),
// ErrEnvironment (tracefs is not mounted), ErrNotExist (no such interface or
// file), ErrConflict (somebody else is attached there), ErrPermission, ErrUsage.
func Program(name string, spec *ebpf.ProgramSpec, prog *ebpf.Program, opts Options) (link.Link, *api.Unattached, error) {
	opt := opts.of(name, spec.AttachTo)
	_, given := opts.byName[name]
	section, _, _ := strings.Cut(spec.SectionName, "/")
	j := &job{
		name: name, spec: spec, prog: prog,
		section: strings.TrimPrefix(section, "?"), target: opt.Target, mode: opt.Mode, given: given,
	}
	l, err := attacherOf(j)(j)
	var left *skip
	switch {
	case err == nil:
		return l, nil, nil
	case errors.As(err, &left):
		return nil, &api.Unattached{Program: name, Reason: left.reason, Hint: left.hint}, nil
	default:
		return nil, nil, explain(j, err)
	}
}

func attacherOf(j *job) attacher {
	switch j.spec.Type {
	case ebpf.TracePoint:
		return tracepoint
	case ebpf.RawTracepoint, ebpf.RawTracepointWritable:
		return rawTracepoint
	case ebpf.Kprobe:
		return probe(j.section)
	case ebpf.Tracing:
		if j.spec.AttachType == ebpf.AttachTraceIter {
			return iterator
		}
		return tracing
	case ebpf.LSM:
		if j.spec.AttachType == ebpf.AttachLSMCgroup {
			return cgroup
		}
		return lsm
	case ebpf.XDP:
		return xdp
	case ebpf.SchedCLS:
		return tcx
	case ebpf.CGroupSKB, ebpf.CGroupSock, ebpf.CGroupSockAddr, ebpf.CGroupSockopt,
		ebpf.CGroupDevice, ebpf.CGroupSysctl, ebpf.SockOps:
		return cgroup
	default:
		return other
	}
}

// other stands for the types that only a loader of their own can attach.
func other(j *job) (link.Link, error) {
	return nil, &skip{reason: "programs of section " + j.spec.SectionName + " are attached by the program that uses them"}
}

// explain gives an attach error its kind.
func explain(j *job, err error) error {
	var known *api.Error
	if errors.As(err, &known) {
		return err
	}
	kind := api.ErrFailed
	switch {
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EEXIST):
		kind = api.ErrConflict
	case errors.Is(err, os.ErrPermission):
		kind = api.ErrPermission
	case errors.Is(err, link.ErrNotSupported), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.EOPNOTSUPP),
		errors.Is(err, fs.ErrNotExist):
		kind = api.ErrNotSupported
	case errors.Is(err, unix.EINVAL):
		kind = api.ErrInvalid
	}
	e := api.E("attach", j.name, kind, err)
	if kind == api.ErrPermission {
		return e.WithHint("ebpfdev doctor")
	}
	return e
}

// Pinnable reports why a link cannot outlive its process. Perf events are
// attached by links since Linux 5.15 and cgroups since 5.7; before that they
// end with who attached them. Errors: ErrNotSupported.
func Pinnable(program string, l link.Link) error {
	if _, err := l.Info(); errors.Is(err, link.ErrNotSupported) {
		return api.Errorf("pin link of", program, api.ErrNotSupported,
			"this kernel ends such an attachment with its process").WithHint("ebpfdev run")
	}
	return nil
}
