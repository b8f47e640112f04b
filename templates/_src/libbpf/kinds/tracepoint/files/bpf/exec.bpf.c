/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "exec.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024); /* bytes */
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct command);
	__type(value, struct count);
} execs SEC(".maps");

/* Puts the type into the object's BTF, so that tools can decode the records. */
const struct event *event_type __attribute__((unused));

/* Events that did not fit, because user space reads too slowly. */
__u64 lost;

static void count_command(__u32 pid, __u32 ppid, __u32 uid)
{
	struct command key = { .uid = uid };
	struct count fresh = {};
	struct count *c;

	bpf_get_current_comm(key.comm, sizeof(key.comm));
	c = bpf_map_lookup_elem(&execs, &key);
	if (!c) {
		/* Another CPU may have been faster: then its entry stays. */
		bpf_map_update_elem(&execs, &key, &fresh, BPF_NOEXIST);
		c = bpf_map_lookup_elem(&execs, &key);
		if (!c)
			return; /* the map is full */
	}
	__sync_fetch_and_add(&c->execs, 1);
	c->last_pid = pid;
	c->last_ppid = ppid;
}

/* The arguments lie one after the other, each ended by a zero byte. */
static void read_args(struct event *e, struct task_struct *task)
{
	unsigned long pos = BPF_CORE_READ(task, mm, arg_start);
	unsigned long end = BPF_CORE_READ(task, mm, arg_end);

	e->args_count = 0;
	e->args_cut = 0;
	for (int i = 0; i < MAX_ARGS; i++) {
		long len;

		e->args[i][0] = 0; /* memory from a ring buffer is not cleared */
		if (pos >= end)
			continue;
		len = bpf_probe_read_user_str(e->args[i], ARG_LEN, (void *)pos);
		if (len <= 0 || len == ARG_LEN) {
			e->args_cut = 1; /* where the next one begins is not known */
			pos = end;
		} else {
			pos += len;
		}
		e->args_count = i + 1;
	}
	if (pos < end)
		e->args_cut = 1;
}

/* Runs in the new program's process, after its memory has been set up. */
SEC("tracepoint/sched/sched_process_exec")
int on_exec(struct trace_event_raw_sched_process_exec *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 ppid = BPF_CORE_READ(task, real_parent, tgid);
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u32 uid = bpf_get_current_uid_gid();
	struct event *e;

	/* Before what may fail: counting goes on when nobody reads the events. */
	count_command(pid, ppid, uid);

	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}

	e->pid = pid;
	e->ppid = ppid;
	e->uid = uid;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_probe_read_kernel_str(e->filename, sizeof(e->filename),
				  (void *)ctx + (ctx->__data_loc_filename & 0xffff));

	read_args(e, task);
	bpf_ringbuf_submit(e, 0);
	return 0;
}
