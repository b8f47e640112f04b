package points

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/tracefs"
)

func tracepoint(target string) api.Resolution {
	group, name, _ := strings.Cut(target, "/")
	if !plain(group) || !plain(name) {
		return unknown("it is not of the form category/name")
	}
	dir, err := tracefs.Find()
	if err != nil {
		return unknown(err.Error())
	}
	events := filepath.Join(dir, "events")
	if _, err := os.ReadDir(events); err != nil {
		return unknown(err.Error())
	}
	switch _, err := os.Stat(filepath.Join(events, group, name, "id")); {
	case err == nil:
		return there()
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		return missing("this kernel has no tracepoint "+target, target, tracepoints(events))
	default:
		return unknown(err.Error())
	}
}

// plain reports whether a name is one that the kernel gives, and no path.
func plain(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	}) < 0
}

// tracepoints lists "category/name"; what may not be read is left out.
func tracepoints(events string) []string {
	var names []string
	groups, _ := os.ReadDir(events)
	for _, group := range groups {
		if !group.IsDir() {
			continue
		}
		entries, _ := os.ReadDir(filepath.Join(events, group.Name()))
		for _, e := range entries {
			if e.IsDir() {
				names = append(names, group.Name()+"/"+e.Name())
			}
		}
	}
	return names
}

// tracePrefix begins the BTF typedef that each tracepoint has, also those that
// tracefs does not show (Linux 5.5).
const tracePrefix = "btf_trace_"

// rawTracepoint looks a tracepoint up that has no category.
func (r *resolver) rawTracepoint(name string) api.Resolution {
	found, err := r.inBTF(tracePrefix+name, isTypedef)
	switch {
	case err != nil:
		return unknown(err.Error())
	case found:
		return there()
	}
	return missing("this kernel has no raw tracepoint "+name, name, r.rawTracepoints())
}

func isTypedef(t btf.Type) bool {
	_, ok := t.(*btf.Typedef)
	return ok
}

func (r *resolver) rawTracepoints() []string {
	var names []string
	r.eachType(func(t btf.Type) {
		if name, ok := strings.CutPrefix(t.TypeName(), tracePrefix); ok && isTypedef(t) {
			names = append(names, name)
		}
	})
	return names
}
