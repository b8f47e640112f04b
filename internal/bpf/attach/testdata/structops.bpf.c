// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A TCP congestion control and a scheduler. Only the members that are set are
   declared: the loader finds each in the kernel's own structure by its name. */
#include "bpf.h"

struct sock;

struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
};

__u64 ssthresh_hits, cong_avoid_hits, undo_cwnd_hits;

SEC("struct_ops/ssthresh") __u32 ssthresh(__u64 *ctx)
{
	__sync_fetch_and_add(&ssthresh_hits, 1);
	return 2;
}

SEC("struct_ops/cong_avoid") int cong_avoid(__u64 *ctx)
{
	__sync_fetch_and_add(&cong_avoid_hits, 1);
	return 0;
}

SEC("struct_ops/undo_cwnd") __u32 undo_cwnd(__u64 *ctx)
{
	__sync_fetch_and_add(&undo_cwnd_hits, 1);
	return 2;
}

SEC(".struct_ops.link") struct tcp_congestion_ops congestion = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "bpf_test",
};
