/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define COMM_LEN 16

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Who calls. */
struct caller {
	__u32 pid;
	char comm[COMM_LEN];
};

struct usage {
	__u64 calls;
	__u64 bytes;	    /* the sum of the first argument, which is malloc's size */
	__u64 last_call_ns; /* CLOCK_MONOTONIC */
};

/* When it is full, the process that was silent for the longest time makes room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct caller);
	__type(value, struct usage);
} calls SEC(".maps");

/* Set before the program is loaded: count this process alone, 0 for all. */
const volatile __u32 only_pid = 0;

/*
 * Runs in the calling process, before the function does. Which function that is
 * says whoever attaches the program.
 */
SEC("uprobe")
int BPF_KPROBE(on_call, unsigned long size)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct caller key = { .pid = pid };
	struct usage fresh = {};
	struct usage *u;

	if (only_pid && pid != only_pid)
		return 0;

	bpf_get_current_comm(key.comm, sizeof(key.comm));
	u = bpf_map_lookup_elem(&calls, &key);
	if (!u) {
		/* Another thread may have been faster: then its entry stays. */
		bpf_map_update_elem(&calls, &key, &fresh, BPF_NOEXIST);
		u = bpf_map_lookup_elem(&calls, &key);
		if (!u)
			return 0;
	}
	__sync_fetch_and_add(&u->calls, 1);
	__sync_fetch_and_add(&u->bytes, size);
	u->last_call_ns = bpf_ktime_get_ns();
	return 0;
}
