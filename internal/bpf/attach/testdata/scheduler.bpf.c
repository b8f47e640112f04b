// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The smallest scheduler of sched_ext: the kernel's defaults, and a count. */
#include "bpf.h"

struct task_struct;

struct sched_ext_ops {
	void (*running)(struct task_struct *p);
	char name[128];
};

__u64 running_hits;

SEC("struct_ops/running") int running(__u64 *ctx)
{
	__sync_fetch_and_add(&running_hits, 1);
	return 0;
}

SEC(".struct_ops.link") struct sched_ext_ops scheduler = {
	.running = (void *)running,
	.name = "ebpfdev_test",
};
