/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the BPF code and the program share. */
#ifndef PACKETS_H
#define PACKETS_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

/* An IPv6 address; IPv4 addresses are ::ffff:a.b.c.d, as in RFC 4291. */
struct source {
	__u8 addr[16];
};

struct traffic {
	__u64 packets;
	__u64 bytes;
	__u64 last_seen_ns; /* CLOCK_MONOTONIC */
};

#endif /* PACKETS_H */
