package points

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/tracefs"
	"github.com/ebpfdev/ebpfdev/internal/near"
)

const (
	maxPoints = 1024
	maxNear   = 3
	maxName   = 4096 // bytes of a target; a mangled symbol may be long
)

// Resolve implements api.Prober. The cache is of this kernel's BTF.
func Resolve(ctx context.Context, req api.ResolveRequest, kernel *btf.Cache) (api.ResolveResult, error) {
	if err := ctx.Err(); err != nil {
		return api.ResolveResult{}, err
	}
	if len(req.Points) > maxPoints {
		return api.ResolveResult{}, api.Errorf("resolve attach points", "", api.ErrUsage,
			fmt.Sprintf("%d are more than %d", len(req.Points), maxPoints))
	}
	r := &resolver{kernel: kernel, binaries: map[string]*binary{}}
	res := api.ResolveResult{Points: make([]api.Resolution, 0, len(req.Points))}
	for _, p := range req.Points {
		if err := ctx.Err(); err != nil {
			return api.ResolveResult{}, err
		}
		res.Points = append(res.Points, r.resolve(p))
	}
	return res, nil
}

// resolver keeps what one request has read.
type resolver struct {
	kernel   *btf.Cache
	symbols  []string // of /proc/kallsyms, nil until they are asked for
	binaries map[string]*binary
	files    []string // names of programs and libraries, nil until they are asked for
	whole    bool     // files are all that there are
}

func (r *resolver) resolve(p api.AttachPoint) api.Resolution {
	if p.Target == "" || len(p.Target) > maxName || strings.ContainsAny(p.Target, "*?[]{},\x00\n") {
		return unknown("it is no one name")
	}
	switch p.Kind {
	case api.PointTracepoint:
		return tracepoint(p.Target)
	case api.PointRawTracepoint:
		return r.rawTracepoint(p.Target[strings.LastIndexByte(p.Target, '/')+1:])
	case api.PointKprobe:
		return r.kprobe(p.Target)
	case api.PointFentry:
		return r.fentry(p.Target)
	case api.PointSyscall:
		return r.syscall(p.Target)
	case api.PointUprobe:
		return r.uprobe(p.Target)
	default:
		return unknown("no such kind of attach point is known: " + string(p.Kind))
	}
}

func there() api.Resolution { return api.Resolution{State: api.PointThere} }

func unknown(why string) api.Resolution {
	return api.Resolution{State: api.PointUnknown, Reason: why}
}

// missing says that something is not there, with the names near it.
func missing(reason, want string, from []string) api.Resolution {
	return api.Resolution{State: api.PointMissing, Reason: reason, Near: near.Names(want, from, maxNear)}
}

// without says that something is there and cannot be attached to: kprobes and
// uprobes can each be left out of a kernel.
func without(what string) api.Resolution {
	res := there()
	const devices = "/sys/bus/event_source/devices/" // since Linux 4.17; before in tracefs alone
	if !exists(devices) || exists(devices+what) {
		return res
	}
	if dir, err := tracefs.Find(); err == nil && exists(dir+"/"+what+"_events") {
		return res
	}
	res.Reason = "this kernel was built without " + what + "s"
	return res
}

// exists reports whether a path is there, as far as that can be told.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !os.IsNotExist(err)
}
