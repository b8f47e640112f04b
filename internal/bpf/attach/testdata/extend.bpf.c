// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program that replaces a function of another. */
#include "bpf.h"

struct xdp_md {
	__u32 data;
};

__u64 extension_hits;

SEC("freplace/replaceable") int on_extension(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&extension_hits, 1);
	return 2;
}
