package inspect

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

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
		return fmt.Sprintf("netfilter %s:%s, priority %d",
			word([]string{2: "ip", 10: "ip6"}, int(n.ProtocolFamily), "family"),
			word([]string{"prerouting", "input", "forward", "output", "postrouting"}, int(n.Hook), "hook"), n.Priority)
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
	case p.Event() != nil:
		return "perf event " + eventName(p.Event().Type, p.Event().Config)
	default:
		return "perf event"
	}
}

// halves parts a word of link information into the two numbers that it holds.
func halves(word uint64) (first, second uint32) {
	b := binary.NativeEndian.AppendUint64(nil, word)
	return binary.NativeEndian.Uint32(b), binary.NativeEndian.Uint32(b[4:])
}

// target says where a link is, for the types of which the library does not tell;
// "" for all others.
func (info linkInfo) target() string {
	const structOps, sockmap = 9, 14 // enum bpf_link_type
	first, second := halves(info.more[0])
	switch info.typ {
	case structOps:
		return "struct_ops " + mapName(first)
	case sockmap:
		return attachWord(second) + " on " + mapName(first)
	default:
		return ""
	}
}

func mapName(id uint32) string {
	m, err := ebpf.NewMapFromID(ebpf.MapID(id))
	if err != nil {
		return fmt.Sprintf("map %d", id)
	}
	defer m.Close()
	if info, err := m.Info(); err == nil && info.Name != "" {
		return info.Name
	}
	return fmt.Sprintf("map %d", id)
}

// eventName returns the name that perf has for an event (linux/perf_event.h).
func eventName(kind uint32, config uint64) string {
	hardware := []string{"cycles", "instructions", "cache-references", "cache-misses", "branches", "branch-misses"}
	software := []string{"cpu-clock", "task-clock", "page-faults", "context-switches", "cpu-migrations", "minor-faults", "major-faults"}
	switch {
	case kind == unix.PERF_TYPE_HARDWARE && config < uint64(len(hardware)):
		return hardware[config]
	case kind == unix.PERF_TYPE_SOFTWARE && config < uint64(len(software)):
		return software[config]
	case kind >= unix.PERF_TYPE_MAX && config <= unix.PERF_COUNT_SW_TASK_CLOCK && !hasPMU(kind):
		return software[config] // the clocks have units of their own in newer kernels, which are not listed
	default:
		return fmt.Sprintf("%d of type %d", config, kind)
	}
}

// hasPMU reports whether sysfs lists a unit that counts, by the number of its type.
func hasPMU(kind uint32) bool {
	files, _ := filepath.Glob("/sys/bus/event_source/devices/*/type")
	return slices.ContainsFunc(files, func(file string) bool {
		data, err := os.ReadFile(file)
		return err == nil && strings.TrimSpace(string(data)) == fmt.Sprint(kind)
	})
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
