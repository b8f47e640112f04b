package inspect

import (
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/bpf/maps"
)

// ProgramType returns the kernel's word for a type of program in lower case:
// "sched_cls", as in BPF_PROG_TYPE_SCHED_CLS.
func ProgramType(t ebpf.ProgramType) string {
	return word(programTypes(), int(t), t.String())
}

// MapType returns the kernel's word for a type of map: "lru_hash".
func MapType(t ebpf.MapType) string {
	return word(mapTypes(), int(t), t.String())
}

// LinkType returns the kernel's word for a type of link: "perf_event".
func LinkType(t link.Type) string {
	return word(linkTypes(), int(t), "link")
}

// word looks up a type; one that is newer than we are keeps the name that the
// library has for it.
func word(words []string, i int, fallback string) string {
	if i >= 0 && i < len(words) {
		return words[i]
	}
	return strings.ToLower(fallback)
}

// programTypes follows enum bpf_prog_type.
func programTypes() []string {
	return []string{
		"unspec", "socket_filter", "kprobe", "sched_cls", "sched_act", "tracepoint", "xdp", "perf_event",
		"cgroup_skb", "cgroup_sock", "lwt_in", "lwt_out", "lwt_xmit", "sock_ops", "sk_skb", "cgroup_device",
		"sk_msg", "raw_tracepoint", "cgroup_sock_addr", "lwt_seg6local", "lirc_mode2", "sk_reuseport",
		"flow_dissector", "cgroup_sysctl", "raw_tracepoint_writable", "cgroup_sockopt", "tracing",
		"struct_ops", "ext", "lsm", "sk_lookup", "syscall", "netfilter",
	}
}

// mapTypes follows enum bpf_map_type.
func mapTypes() []string {
	return []string{
		"unspec", "hash", "array", "prog_array", "perf_event_array", "percpu_hash", "percpu_array",
		"stack_trace", "cgroup_array", "lru_hash", "lru_percpu_hash", "lpm_trie", "array_of_maps",
		"hash_of_maps", "devmap", "sockmap", "cpumap", "xskmap", "sockhash", "cgroup_storage",
		"reuseport_sockarray", "percpu_cgroup_storage", "queue", "stack", "sk_storage", "devmap_hash",
		"struct_ops", "ringbuf", "inode_storage", "task_storage", "bloom_filter", "user_ringbuf",
		"cgrp_storage", "arena",
	}
}

// linkTypes follows enum bpf_link_type.
func linkTypes() []string {
	return []string{
		"unspec", "raw_tracepoint", "tracing", "cgroup", "iter", "netns", "xdp", "perf_event",
		"kprobe_multi", "struct_ops", "netfilter", "tcx", "uprobe_multi", "netkit", "sockmap",
	}
}

// perCPU reports whether a map has one value for each CPU.
func perCPU(t ebpf.MapType) bool {
	switch t {
	case ebpf.PerCPUHash, ebpf.PerCPUArray, ebpf.LRUCPUHash, ebpf.PerCPUCGroupStorage:
		return true
	default:
		return false
	}
}

// writeOnly is BPF_F_WRONLY: user space may not read the map.
const writeOnly = 1 << 4

// readable reports whether QueryMap can read a map's entries.
func readable(t ebpf.MapType, flags uint32) bool {
	return maps.Readable(t) && flags&writeOnly == 0
}

// CarriesRecords reports whether a map carries what programs send to user
// space, and so what StreamEvents reads.
func CarriesRecords(t ebpf.MapType) bool {
	return t == ebpf.RingBuf || t == ebpf.PerfEventArray
}
