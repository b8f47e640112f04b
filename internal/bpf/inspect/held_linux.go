package inspect

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Held is what processes hold open: ids, sorted, each once.
type Held struct {
	Programs, Maps, Links []uint32

	events []perfEvent
}

// perfEvent is a perf event with a program on it, as the kernel tells of it.
type perfEvent struct {
	program, kind uint32
	name          string
	offset, addr  uint64
}

// Equal reports whether two processes hold the same.
func (h Held) Equal(o Held) bool {
	return slices.Equal(h.Programs, o.Programs) && slices.Equal(h.Maps, o.Maps) &&
		slices.Equal(h.Links, o.Links) && slices.Equal(h.events, o.events)
}

// HeldBy returns what processes hold together. What may not be read, or ends
// meanwhile, is left out.
func HeldBy(pids []int) Held {
	var h Held
	for _, pid := range pids {
		proc := filepath.Join("/proc", strconv.Itoa(pid))
		fds, err := os.ReadDir(filepath.Join(proc, "fd"))
		if err != nil {
			continue
		}
		for _, fd := range fds {
			target, err := os.Readlink(filepath.Join(proc, "fd", fd.Name()))
			if err == nil && strings.HasPrefix(target, "anon_inode:") {
				h.add(pid, fd.Name(), strings.Trim(strings.TrimPrefix(target, "anon_inode:"), "[]"))
			}
		}
	}
	for _, ids := range []*[]uint32{&h.Programs, &h.Maps, &h.Links} {
		slices.Sort(*ids)
		*ids = slices.Compact(*ids)
	}
	slices.SortFunc(h.events, func(a, b perfEvent) int {
		return cmp.Or(cmp.Compare(a.program, b.program), cmp.Compare(a.name, b.name), cmp.Compare(a.offset, b.offset), cmp.Compare(a.addr, b.addr))
	})
	h.events = slices.Compact(h.events) // the same on each CPU
	return h
}

// Attached tells where programs are attached without a link: by perf events.
func (h Held) Attached() []api.Attachment {
	var (
		list []api.Attachment
		w    = newWords()
	)
	for _, e := range h.events {
		list = append(list, api.Attachment{ProgramID: e.program, Target: w.perfTarget(e)})
	}
	return list
}

// add takes note of one open file.
func (h *Held) add(pid int, fd, what string) {
	proc := filepath.Join("/proc", strconv.Itoa(pid), "fdinfo", fd)
	switch what {
	case "bpf-prog":
		h.Programs = appendID(h.Programs, fdID(proc, "prog_id:"))
	case "bpf-map":
		h.Maps = appendID(h.Maps, fdID(proc, "map_id:"))
	case "bpf_link", "bpf-link":
		h.Links = appendID(h.Links, fdID(proc, "link_id:"))
		h.Programs = appendID(h.Programs, fdID(proc, "prog_id:")) // a link keeps its program
	case "perf_event":
		n, err := strconv.Atoi(fd)
		if err != nil {
			return
		}
		if e, ok := perfEventOf(pid, n); ok {
			h.Programs = appendID(h.Programs, e.program)
			h.events = append(h.events, e)
		}
	}
}

func appendID(ids []uint32, id uint32) []uint32 {
	if id == 0 {
		return ids
	}
	return append(ids, id)
}

// perfEventOf tells which program is on a perf event that a process has open,
// and where that is (Linux 4.18). It is false for one without a program, and for
// timers and counters, of which the kernel does not tell.
func perfEventOf(pid, fd int) (perfEvent, bool) {
	var name [256]byte
	attr := struct {
		pid, fd, flags, size uint32
		buf                  unsafe.Pointer // the kernel reads 64 bits of it
		_                    [8 - unsafe.Sizeof(uintptr(0))]byte
		prog, kind           uint32
		offset, addr         uint64
	}{pid: uint32(pid), fd: uint32(fd), size: uint32(len(name)), buf: unsafe.Pointer(&name)}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_TASK_FD_QUERY, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return perfEvent{}, false
	}
	return perfEvent{attr.prog, attr.kind, text(name[:]), attr.offset, attr.addr}, true
}

// perfTarget says in words where a perf event is, as a link's target is said.
func (w *words) perfTarget(e perfEvent) string {
	name := e.name
	if name == "" && e.addr != 0 {
		name = "address 0x" + strconv.FormatUint(e.addr, 16)
	}
	switch e.kind {
	case unix.BPF_FD_TYPE_RAW_TRACEPOINT:
		return "raw tracepoint " + name
	case unix.BPF_FD_TYPE_TRACEPOINT:
		if group := w.group(name); group != "" {
			name = group + "/" + name
		}
		return "tracepoint " + name
	case unix.BPF_FD_TYPE_KPROBE:
		return "kprobe " + name + offset(e.offset)
	case unix.BPF_FD_TYPE_KRETPROBE:
		return "kretprobe " + name + offset(e.offset)
	case unix.BPF_FD_TYPE_UPROBE:
		return "uprobe " + name + offset(e.offset)
	case unix.BPF_FD_TYPE_URETPROBE:
		return "uretprobe " + name + offset(e.offset)
	default:
		return "perf event " + name
	}
}
