// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One of each kind of instruction that clang writes: for the disassembler. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tails SEC(".maps");

const volatile __u32 limit = 7;
__s64 sum;
int word;

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

static long each(__u32 i, void *ctx)
{
	__sync_fetch_and_add(&sum, i);
	return i > limit;
}

static __attribute__((noinline)) __u64 mix(__u64 a, __u32 b)
{
	__u64 old = __sync_fetch_and_or(&sum, a);

	__sync_fetch_and_and(&word, b);
	__sync_val_compare_and_swap(&sum, old, a + b);
	old ^= __sync_lock_test_and_set(&word, (int)b);
	return (old << (b & 63)) - (a >> 3) * b / (b | 1) % 1000 + __builtin_bswap32(b);
}

__attribute__((noinline)) int checked(int n)
{
	volatile short small = n;
	volatile signed char tiny = small;

	if (n < -5 || (n & 0x10))
		return -tiny;
	return small >> 2;
}

SEC("socket")
int every_kind(struct __sk_buff *skb)
{
	__u32 key = skb->len & 0xff;
	__u64 *total = bpf_map_lookup_elem(&totals, &key);
	__u64 *slot;

	key = 0;
	slot = bpf_map_lookup_elem(&slots, &key);
	if (total)
		*total += mix(*total, key);
	if (slot)
		*slot = bpf_ktime_get_ns() ^ 0x123456789abcdefULL;
	bpf_loop(8, each, &key, 0);
	bpf_tail_call(skb, &tails, 0);
	return checked(word) + (bpf_get_prandom_u32() & 1);
}

SEC("raw_tracepoint/sys_enter")
int calls_kernel(void *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
