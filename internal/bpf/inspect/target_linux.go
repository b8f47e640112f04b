package inspect

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/bpf/tracefs"
)

// words says in words where links are attached. What it has to look up it
// looks up once for a whole listing.
type words struct {
	programs map[uint32]string
	groups   map[string]string // tracepoint to its group
	cgroups  map[uint64]string // id to path
}

func newWords() *words { return &words{programs: map[uint32]string{}} }

func (w *words) target(typ string, info *link.Info) string {
	switch {
	case info.RawTracepoint() != nil:
		return "raw_tracepoint " + info.RawTracepoint().Name
	case info.Tracing() != nil:
		return w.tracing(info)
	case info.XDP() != nil:
		return "xdp on " + interfaceName(info.XDP().Ifindex)
	case info.TCX() != nil:
		return attachWord(uint32(info.TCX().AttachType)) + " on " + interfaceName(info.TCX().Ifindex)
	case info.Netkit() != nil:
		return attachWord(uint32(info.Netkit().AttachType)) + " on " + interfaceName(info.Netkit().Ifindex)
	case info.Cgroup() != nil:
		c := info.Cgroup()
		return attachWord(uint32(c.AttachType)) + " on " + w.cgroup(c.CgroupId)
	case info.NetNs() != nil:
		n := info.NetNs()
		return fmt.Sprintf("%s in network namespace %d", attachWord(uint32(n.AttachType)), n.NetnsInode)
	case info.PerfEvent() != nil:
		return w.perfEvent(info.PerfEvent())
	case info.KprobeMulti() != nil:
		return fmt.Sprintf("%d kernel functions", info.KprobeMulti().Count)
	case info.UprobeMulti() != nil:
		return "functions of " + info.UprobeMulti().File
	case info.Netfilter() != nil:
		n := info.Netfilter()
		return fmt.Sprintf("netfilter hook %d, priority %d", n.Hook, n.Priority)
	default:
		return typ
	}
}

// tracing names the function that a tracing program was loaded for.
func (w *words) tracing(info *link.Info) string {
	kind := attachWord(uint32(info.Tracing().AttachType))
	return fmt.Sprintf("%s BTF type %d", kind, info.Tracing().TargetBtfId)
}

func (w *words) perfEvent(p *link.PerfEventInfo) string {
	switch {
	case p.Tracepoint() != nil:
		name := p.Tracepoint().Tracepoint
		if group := w.group(name); group != "" {
			name = group + "/" + name
		}
		return "tracepoint " + name
	case p.Kprobe() != nil:
		kind := "kprobe "
		if p.Type == link.PerfEventKretprobe {
			kind = "kretprobe "
		}
		return kind + p.Kprobe().Function + offset(uint64(p.Kprobe().Offset))
	case p.Uprobe() != nil:
		kind := "uprobe "
		if p.Type == link.PerfEventUretprobe {
			kind = "uretprobe "
		}
		return kind + p.Uprobe().File + offset(uint64(p.Uprobe().Offset))
	default:
		return "perf event"
	}
}

func offset(n uint64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("+%#x", n)
}

// attachWord turns "AttachCgroupInetIngress" into "cgroup inet ingress": the
// kernel's words, as the library spells them.
func attachWord(t uint32) string {
	name := ebpf.AttachType(t).String()
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' && (name[i-1] < 'A' || name[i-1] > 'Z') {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

func interfaceName(index uint32) string {
	iface, err := net.InterfaceByIndex(int(index))
	if err != nil {
		return fmt.Sprintf("interface %d of another network namespace", index)
	}
	return iface.Name
}

// group returns the group of a tracepoint, which the kernel does not tell.
func (w *words) group(event string) string {
	if w.groups == nil {
		w.groups = map[string]string{}
		if dir, err := tracefs.Find(); err == nil {
			paths, _ := filepath.Glob(filepath.Join(dir, "events", "*", "*", "id"))
			for _, p := range paths {
				p = filepath.Dir(p)
				w.groups[filepath.Base(p)] = filepath.Base(filepath.Dir(p))
			}
		}
	}
	return w.groups[event]
}

// cgroup returns the path of a cgroup by its id, the number of its inode.
func (w *words) cgroup(id uint64) string {
	if w.cgroups == nil {
		w.cgroups = map[uint64]string{}
		for _, root := range []string{"/sys/fs/cgroup", "/host/cgroup2"} {
			_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				if err != nil || !d.IsDir() {
					return nil //nolint:nilerr // what cannot be read has no name here
				}
				if st, err := os.Stat(path); err == nil {
					if sys, ok := st.Sys().(*syscall.Stat_t); ok {
						w.cgroups[sys.Ino] = path
					}
				}
				return nil
			})
		}
	}
	if path, ok := w.cgroups[id]; ok {
		return path
	}
	return fmt.Sprintf("cgroup %d", id)
}
