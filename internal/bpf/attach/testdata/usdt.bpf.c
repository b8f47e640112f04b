// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A static probe whose arguments are read with libbpf's header. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

__u64 hits;
long count, first, second, third;

SEC("usdt") int BPF_USDT(with_args, long a, long b, long c)
{
	__sync_fetch_and_add(&hits, 1);
	count = bpf_usdt_arg_cnt(ctx);
	first = a;
	second = b;
	third = c;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
