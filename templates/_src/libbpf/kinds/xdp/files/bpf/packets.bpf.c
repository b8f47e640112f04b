/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "packets.h"

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* When it is full, the source that was silent for the longest time makes room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct source);
	__type(value, struct traffic);
} sources SEC(".maps");

/*
 * Reads the source address of an IP packet. The comparisons with end are what
 * lets the verifier accept the reads after them.
 */
static int read_source(void *data, void *end, struct source *src)
{
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return -1;

	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return -1;
		src->addr[10] = 0xff;
		src->addr[11] = 0xff;
		__builtin_memcpy(&src->addr[12], &ip->saddr, sizeof(ip->saddr));
		return 0;
	}
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > end)
			return -1;
		__builtin_memcpy(src->addr, &ip6->saddr, sizeof(ip6->saddr));
		return 0;
	}
	return -1;
}

/* Counts what comes in and lets everything pass. */
SEC("xdp")
int count_packets(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct traffic fresh = {};
	struct source src = {};
	struct traffic *t;

	if (read_source(data, end, &src))
		return XDP_PASS;

	t = bpf_map_lookup_elem(&sources, &src);
	if (!t) {
		/* Another CPU may have been faster: then its entry stays. */
		bpf_map_update_elem(&sources, &src, &fresh, BPF_NOEXIST);
		t = bpf_map_lookup_elem(&sources, &src);
		if (!t)
			return XDP_PASS;
	}
	__sync_fetch_and_add(&t->packets, 1);
	__sync_fetch_and_add(&t->bytes, end - data);
	t->last_seen_ns = bpf_ktime_get_ns();
	return XDP_PASS;
}
