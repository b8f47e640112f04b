package attach

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/attach/clsact"
	"github.com/ebpfdev/ebpfdev/internal/bpf/load"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// job is one program to attach.
type job struct {
	*Attacher
	name    string
	spec    *ebpf.ProgramSpec
	prog    *ebpf.Program
	section string // its section's kind: "tracepoint", "tc/ingress", "uprobe.s"
	target  string // of the section or the option
	mode    string // words of the option: "native", "pid=12,cookie=1"
	given   bool   // an option names the program
}

// attacher attaches one kind of program. A *skip as error leaves it unattached.
type attacher func(*job) ([]Link, error)

// single makes an attacher of what attaches by one link of the library's.
func single(attach func(*job) (link.Link, error)) attacher {
	return func(j *job) ([]Link, error) {
		l, err := attach(j)
		if err != nil {
			return nil, err
		}
		return []Link{l}, nil
	}
}

// A skip says why a program is loaded and not attached.
type skip struct{ reason, hint string }

// Error returns the reason.
func (s *skip) Error() string { return s.reason }

// needs says what a program's target has to be: a program without one is left
// alone, and one that somebody gave a wrong target is refused.
func needs(j *job, what, example string) error {
	if j.given && j.target != "" {
		return j.usage(strconv.Quote(j.target)+" is not "+what, example)
	}
	return &skip{reason: "it needs " + what, hint: "--attach " + j.name + "=" + example}
}

// usage refuses an option; the example is what could have been given.
func (j *job) usage(cause, example string) error {
	return api.Errorf("attach", j.name, api.ErrUsage, cause).
		WithHint(shell.Join("ebpfdev", "load", "--attach", j.name+"="+example))
}

// missing says that the target is not there; the hint shows what is.
func (j *job) missing(kind api.Kind, cause, hint string) error {
	return api.Errorf("attach", j.name, kind, cause).WithHint(hint)
}

// words reads the option's mode: words, and NAME=VALUE, of those that are known.
func (j *job) words(known ...string) (map[string]string, error) {
	found := map[string]string{}
	if j.mode == "" {
		return found, nil
	}
	for word := range strings.SplitSeq(j.mode, ",") {
		key, value, _ := strings.Cut(word, "=")
		if !slices.Contains(known, key) {
			return nil, j.usage(fmt.Sprintf("no mode %q; there is %s", word, strings.Join(known, ", ")), j.target+","+known[0])
		}
		found[key] = value
	}
	return found, nil
}

// number reads a word's number; 0 when it is not given.
func (j *job) number(words map[string]string, key string) (int, error) {
	text, ok := words[key]
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 0, 32)
	if err != nil {
		return 0, j.usage(fmt.Sprintf("%s=%s: it takes a number", key, text), j.target+","+key+"=1")
	}
	return int(n), nil
}

// Attacher attaches what one loaded object holds.
type Attacher struct {
	obj    *load.Object
	opts   Options
	specs  uint32                // descriptions of USDT probes that are handed out
	qdiscs map[int]*clsact.Qdisc // by interface, when tc has no links
	old    map[string][]*Old     // of the load that is replaced, by program
}

// New returns what attaches the programs of an object.
func New(obj *load.Object, opts Options) *Attacher {
	return &Attacher{obj: obj, opts: opts, qdiscs: map[int]*clsact.Qdisc{}}
}

// Names returns the names of what can be attached, sorted: of programs, and of
// the maps that programs of type struct_ops are attached with.
func (a *Attacher) Names() []string {
	names := a.obj.ProgramNames()
	for _, name := range a.obj.MapNames() {
		if a.obj.Spec.Maps[name].Type == ebpf.StructOpsMap {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Attach attaches one of Names. Either links or the Unattached are set when there
// is no error; neither for a program that its struct_ops map attaches.
//
// Errors: ErrNotSupported (this kernel has no such attach target),
// ErrEnvironment (tracefs is not mounted), ErrNotExist (no such interface or
// file), ErrConflict (somebody else is attached there), ErrPermission, ErrUsage.
func (a *Attacher) Attach(name string) ([]Link, *api.Unattached, error) {
	spec := a.obj.Spec.Programs[name]
	if spec == nil {
		links, err := a.structOps(name, a.obj.Maps[name])
		return links, nil, err
	}
	if spec.Type == ebpf.StructOps {
		return nil, nil, nil
	}
	j := a.job(name, spec)
	links, err := attacherOf(j)(j)
	var left *skip
	switch {
	case err == nil:
		return links, nil, nil
	case errors.As(err, &left):
		return nil, &api.Unattached{Program: name, Reason: left.reason, Hint: left.hint}, nil
	default:
		return nil, nil, explain(name, err)
	}
}

func (a *Attacher) job(name string, spec *ebpf.ProgramSpec) *job {
	opt := a.opts.of(name, sectionTarget(spec))
	_, given := a.opts.byName[name]
	section, _, _ := strings.Cut(spec.SectionName, "/")
	return &job{
		Attacher: a, name: name, spec: spec, prog: a.obj.Programs[name],
		section: strings.TrimPrefix(section, "?"), target: opt.Target, mode: opt.Mode, given: given,
	}
}

// Where says in words where a program is attached, for attachments that have no
// link to ask: "socket lo".
func (a *Attacher) Where(program string) string {
	spec := a.obj.Spec.Programs[program]
	if spec == nil {
		return ""
	}
	j := a.job(program, spec)
	return strings.TrimSpace(j.section + " " + j.target)
}

func attacherOf(j *job) attacher {
	switch j.spec.Type {
	case ebpf.TracePoint:
		return single(tracepoint)
	case ebpf.RawTracepoint, ebpf.RawTracepointWritable:
		return single(rawTracepoint)
	case ebpf.Kprobe:
		return probe(j.section)
	case ebpf.Tracing:
		if j.spec.AttachType == ebpf.AttachTraceIter {
			return single(iterator)
		}
		return single(tracing)
	case ebpf.LSM:
		if j.spec.AttachType == ebpf.AttachLSMCgroup {
			return single(cgroup)
		}
		return single(lsm)
	case ebpf.Extension:
		return single(freplace)
	case ebpf.PerfEvent:
		return perfEvent
	default:
		return attacherOfNet(j)
	}
}

func attacherOfNet(j *job) attacher {
	switch j.spec.Type {
	case ebpf.XDP:
		return single(xdp)
	case ebpf.SchedCLS:
		return tc
	case ebpf.Netfilter:
		return single(netfilter)
	case ebpf.SkLookup, ebpf.FlowDissector:
		return single(netns)
	case ebpf.SkMsg, ebpf.SkSKB:
		return sockmap
	case ebpf.SocketFilter:
		return socketFilter
	case ebpf.CGroupSKB, ebpf.CGroupSock, ebpf.CGroupSockAddr, ebpf.CGroupSockopt,
		ebpf.CGroupDevice, ebpf.CGroupSysctl, ebpf.SockOps:
		return single(cgroup)
	default:
		return other
	}
}

// other stands for the types that only a program of their own can attach.
func other(j *job) ([]Link, error) {
	return nil, &skip{reason: elsewhere(j.spec)}
}

// elsewhere says in words how a type is attached that is not attached here.
func elsewhere(spec *ebpf.ProgramSpec) string {
	switch spec.Type {
	case ebpf.SkReuseport:
		return "a socket takes it: the program that opens the sockets attaches it with setsockopt SO_ATTACH_REUSEPORT_EBPF, by its pin or its id"
	case ebpf.Syscall:
		return "it has no hook: it runs when user space asks for it, as ebpfdev prog run does"
	case ebpf.LWTIn, ebpf.LWTOut, ebpf.LWTXmit, ebpf.LWTSeg6Local:
		return "a route takes it: ip route add PREFIX encap bpf, by its pin"
	case ebpf.SchedACT:
		return "a filter of tc takes it: tc filter add ... action bpf, by its pin"
	case ebpf.XDP:
		return "another XDP program redirects to it: it is the value of an entry of a devmap or cpumap"
	default:
		return "programs of section " + spec.SectionName + " are attached by the program that uses them"
	}
}

// explain gives an attach error its kind.
func explain(name string, err error) error {
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
	e := api.E("attach", name, kind, err)
	if kind == api.ErrPermission {
		return e.WithHint("ebpfdev doctor")
	}
	return e
}
