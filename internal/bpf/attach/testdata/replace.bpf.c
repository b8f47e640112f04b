// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program with a function that another program replaces. */
#include "bpf.h"

struct xdp_md {
	__u32 data;
};

__u64 replaceable_hits;
__attribute__((noinline)) int replaceable(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&replaceable_hits, 1);
	return 2;
}

SEC("xdp") int replaced_xdp_program(struct xdp_md *ctx) { return replaceable(ctx); }
