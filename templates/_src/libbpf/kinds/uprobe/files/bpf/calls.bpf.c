/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "calls.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* When it is full, the caller that was silent for the longest time makes room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct caller);
	__type(value, struct count);
} calls SEC(".maps");

/*
 * Which argument of the function is a number of bytes, from 1 to 4; 0 for none.
 * malloc(size) has it first. User space may set it until the program is loaded.
 */
const volatile __u32 size_argument = 1;

/*
 * The barriers keep the loads apart. The compiler would make one of them, from an
 * address that it computes, and the verifier allows no such access to a context.
 */
static __u64 size(struct pt_regs *ctx)
{
	__u64 bytes = 0;

	switch (size_argument) {
	case 1:
		bytes = PT_REGS_PARM1(ctx);
		barrier_var(bytes);
		break;
	case 2:
		bytes = PT_REGS_PARM2(ctx);
		barrier_var(bytes);
		break;
	case 3:
		bytes = PT_REGS_PARM3(ctx);
		barrier_var(bytes);
		break;
	case 4:
		bytes = PT_REGS_PARM4(ctx);
		barrier_var(bytes);
		break;
	}
	return bytes;
}

/* Runs in the process that calls the function, before the function does. */
SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	struct caller key = { .pid = bpf_get_current_pid_tgid() >> 32 };
	struct count fresh = {};
	struct count *c;

	bpf_get_current_comm(key.comm, sizeof(key.comm));
	c = bpf_map_lookup_elem(&calls, &key);
	if (!c) {
		/* Another thread may have been faster: then its entry stays. */
		bpf_map_update_elem(&calls, &key, &fresh, BPF_NOEXIST);
		c = bpf_map_lookup_elem(&calls, &key);
		if (!c)
			return 0;
	}
	__sync_fetch_and_add(&c->calls, 1);
	__sync_fetch_and_add(&c->bytes, size(ctx));
	return 0;
}
