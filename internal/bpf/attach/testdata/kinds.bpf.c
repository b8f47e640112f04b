// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One harmless program for each way of being attached. */
typedef unsigned int __u32;
#define SEC(name) __attribute__((section(name), used))
#define PROGRAM(section, name, result) \
	SEC(section) int name(void *ctx) { return result; }

PROGRAM("tracepoint/sched/sched_process_exec", on_exec, 0)
PROGRAM("tp/none/such", on_nothing, 0)
PROGRAM("raw_tp/sched_process_exit", on_exit, 0)
PROGRAM("tp_btf/sched_process_fork", on_fork, 0)
PROGRAM("xdp", pass, 2)
PROGRAM("tc", classify, 0)
PROGRAM("tcx/egress", classify_out, 0)
PROGRAM("cgroup_skb/egress", allow, 1)
PROGRAM("sockops", ops, 1)
PROGRAM("uprobe", on_call, 0)
PROGRAM("uretprobe", on_return, 0)
PROGRAM("iter/task", tasks, 0)
PROGRAM("socket", filter, 0)
PROGRAM("kprobe/do_unlinkat", on_unlink, 0)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
