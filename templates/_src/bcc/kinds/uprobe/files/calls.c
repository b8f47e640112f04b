/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The BPF side of calls.py. BCC compiles it each time that calls.py starts, against
 * the headers of the running kernel. Of the kernel's structs it reads registers alone,
 * which never change, so that headers of another version do as well.
 */
#define BPF_LICENSE Dual BSD/GPL

#include <uapi/linux/ptrace.h>

#define COMM_LEN 16

/* Who calls. */
struct process {
	u32 pid;
	char comm[COMM_LEN];
};

struct count {
	u64 calls;
	u64 bytes; /* the sum of the first arguments */
};

/* When it is full, the process that called longest ago makes room. */
BPF_TABLE("lru_hash", struct process, struct count, calls, 8192);

/* Runs in every process that has the library in its memory, when it calls the function. */
int on_call(struct pt_regs *ctx)
{
	struct process key = {};
	struct count fresh = {};
	struct count *count;

	key.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	count = calls.lookup_or_try_init(&key, &fresh);
	if (!count)
		return 0;
	__sync_fetch_and_add(&count->calls, 1);
	__sync_fetch_and_add(&count->bytes, PT_REGS_PARM1(ctx));
	return 0;
}
