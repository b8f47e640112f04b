/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the BPF code and the program share. */
#ifndef EXEC_H
#define EXEC_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

#define COMM_LEN 16
#define FILENAME_LEN 128
#define MAX_ARGS 8
#define ARG_LEN 128

/* What user space gets for each program that starts. */
struct event {
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	__u16 args_count; /* of args that are filled */
	__u16 args_cut;	  /* not zero when some did not fit */
	char comm[COMM_LEN];
	char filename[FILENAME_LEN];
	char args[MAX_ARGS][ARG_LEN];
};

/* Who runs what. */
struct command {
	char comm[COMM_LEN];
	__u32 uid;
};

struct count {
	__u64 execs;
	__u32 last_pid;
	__u32 last_ppid;
};

#endif /* EXEC_H */
