/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the BPF code and the program share. */
#ifndef CALLS_H
#define CALLS_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

#define COMM_LEN 16

/* Who calls. A process that runs another program counts as another caller. */
struct caller {
	__u32 pid;
	char comm[COMM_LEN];
};

struct count {
	__u64 calls;
	__u64 bytes;
};

#endif /* CALLS_H */
