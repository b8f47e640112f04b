// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts system calls by number and samples them: an object that works on any
 * kernel with ring buffers (5.8) and needs neither tracefs nor a target. */
#include "bpf.h"

struct event {
	__u32 pid;
	__u32 nr;
	__u64 count;
	char comm[16];
};

struct limits {
	__u32 sample; /* every how manieth call is sent */
	__u32 burst;
	__s64 balance;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct limits);
} settings_of_the_suite SEC(".maps");

/* Left alone by the program: whatever is in it, user space put there. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} scores SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
	__type(value, struct event);
} events SEC(".maps");

/* Every how manieth call is sent when nobody has said so in the map. */
const volatile __u32 sample_every = 256;

static void send(__u32 nr, __u64 count)
{
	static const char fmt[] = "apitest call %d count %llu\n";
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->nr = nr;
	e->count = count;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_ringbuf_submit(e, 0);
	bpf_trace_printk(fmt, sizeof(fmt), nr, count);
}

SEC("raw_tracepoint/sys_enter")
int count_calls(__u64 *ctx)
{
	__u32 nr = ctx[1], zero = 0, sample = sample_every;
	__u64 one = 1, *count;
	struct limits *l;

	count = bpf_map_lookup_elem(&counts, &nr);
	if (!count) {
		bpf_map_update_elem(&counts, &nr, &one, 0);
		return 0;
	}
	__sync_fetch_and_add(count, 1);
	l = bpf_map_lookup_elem(&settings_of_the_suite, &zero);
	if (l && l->sample)
		sample = l->sample;
	if (sample && *count % sample == 0)
		send(nr, *count);
	return 0;
}
