// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One program of each type that can be attached; each counts its runs. */
#include "bpf.h"

/* Tracing. */
PROGRAM("tracepoint/sched/sched_process_exec", tracepoint, 0)
PROGRAM("raw_tracepoint/sched_process_exec", raw_tracepoint, 0)
PROGRAM("tp_btf/sched_process_exec", tp_btf, 0)
PROGRAM("kprobe/vfs_open", kprobe, 0)
PROGRAM("kretprobe/vfs_open", kretprobe, 0)
PROGRAM("kprobe.multi/vfs_ope*", kprobe_multi, 0)
PROGRAM("kretprobe.multi/vfs_open", kretprobe_multi, 0)
PROGRAM("kprobe.session/vfs_open", kprobe_session, 0)
PROGRAM("ksyscall/unlinkat", ksyscall, 0)
PROGRAM("kretsyscall/unlinkat", kretsyscall, 0)
PROGRAM("fentry/vfs_open", fentry, 0)
PROGRAM("fexit/vfs_open", fexit, 0)
PROGRAM("fmod_ret/security_inode_getattr", fmod_ret, 0)
PROGRAM("lsm/file_open", lsm, 0)
PROGRAM("uprobe", uprobe, 0)
PROGRAM("uretprobe", uretprobe, 0)
PROGRAM("uprobe.multi", uprobe_multi, 0)
PROGRAM("uretprobe.multi", uretprobe_multi, 0)
PROGRAM("uprobe.session", uprobe_session, 0)
PROGRAM("fsession/vfs_open", fsession, 0)
PROGRAM("perf_event", perf_event, 0)
PROGRAM("iter/task", iter_task, 0)
PROGRAM("iter/bpf_map_elem", iter_map_elem, 0)

__u64 usdt_cookie;
__u64 usdt_hits;
SEC("usdt") int on_usdt(void *ctx)
{
	__sync_fetch_and_add(&usdt_hits, 1);
	usdt_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

/* Networking. */
PROGRAM("xdp", xdp, 2)
PROGRAM("tc/ingress", tc_ingress, -1)
PROGRAM("tcx/egress", tcx_egress, -1)
PROGRAM("tc", tc, -1)
PROGRAM("netkit/primary", netkit_primary, -1)
PROGRAM("netkit/peer", netkit_peer, -1)
PROGRAM("netfilter", netfilter, 1)
PROGRAM("sk_lookup", sk_lookup, 1)
PROGRAM("flow_dissector", flow_dissector, 0)
PROGRAM("socket", socket_filter, 0)
PROGRAM("sk_reuseport", sk_reuseport, 1)
PROGRAM("syscall", syscall, 0)

struct {
	__uint(type, MAP_SOCKMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} entries SEC(".maps");

PROGRAM("sk_msg", sk_msg, 1)
PROGRAM("sk_skb/stream_verdict", sk_skb, 1)

/* Control groups. */
PROGRAM("cgroup_skb/egress", cgroup_skb, 1)
PROGRAM("cgroup/skb", cgroup_skb_any, 1)
PROGRAM("cgroup/sock_create", cgroup_sock, 1)
PROGRAM("cgroup/connect4", cgroup_sock_addr, 1)
PROGRAM("cgroup/sysctl", cgroup_sysctl, 1)
PROGRAM("cgroup/getsockopt", cgroup_sockopt, 1)
PROGRAM("cgroup/dev", cgroup_device, 1)
PROGRAM("lsm_cgroup/socket_bind", lsm_cgroup, 1)
PROGRAM("sockops", sock_ops, 1)

/* Not loaded unless it is asked for. */
PROGRAM("?tp_btf/sched_switch", optional, 0)
