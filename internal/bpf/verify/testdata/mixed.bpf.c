// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that are accepted, refused, or never get as far as the verifier. */
typedef unsigned char __u8;
typedef unsigned int __u32;
typedef unsigned long long __u64;
#define SEC(name) __attribute__((section(name), used))
#define __noinline __attribute__((noinline))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_tail_call)(void *ctx, void *map, __u32 index) = (void *)12;

struct {
	__uint(type, 2 /* array */);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

struct {
	__uint(type, 1 /* hash */);
	__uint(max_entries, 0);
	__type(key, __u32);
	__type(value, __u32);
} empty SEC(".maps");

struct {
	__uint(type, 27 /* ring buffer */);
	__uint(max_entries, 4097);
} odd SEC(".maps");

int caller(__u64 *ctx);

struct {
	__uint(type, 3 /* program array */);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, int(void *));
} jumps SEC(".maps") = { .values = { [1] = (void *)&caller } };

const volatile __u32 limit = 3;

static __noinline __u64 callee(__u64 x)
{
	volatile __u8 room[32];

	room[x & 31] = x;
	return room[0];
}

SEC("raw_tp/sys_enter") int caller(__u64 *ctx)
{
	volatile __u8 room[64];

	room[ctx[1] & 63] = ctx[1];
	return callee(room[ctx[1] & 63]) & 1;
}

SEC("raw_tp/sys_enter") int tail(void *ctx)
{
	bpf_tail_call(ctx, &jumps, 1);
	return 0;
}

SEC("raw_tp/sys_enter") int uses_empty(void *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&empty, &key) != 0;
}

SEC("raw_tp/sys_enter") int reads_conf(void *ctx)
{
	__u32 key = 0;
	__u64 *slot;

	if (limit == 3) /* constant to the verifier: the other branch is dead */
		return 0;
	slot = bpf_map_lookup_elem(&slots, &key);
	return *slot;
}

SEC("raw_tp/sys_enter") int out_of_it(void *ctx)
{
	__u32 key = 0;
	__u64 *slot = bpf_map_lookup_elem(&slots, &key);

	return slot ? slot[1] : 0;
}

SEC("fentry/no_such_kernel_function") int no_function(void *ctx) { return 0; }

SEC("nothing_known") int no_type(void *ctx) { return 0; }

SEC("raw_tp/sys_enter") int bad_map(void *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&odd, &key) != 0;
}

/* Each of these may be taken or not: more branches than the verifier follows. */
SEC("raw_tp/sys_enter") int branches(__u64 *ctx)
{
	asm volatile("r2 = *(u64 *)(%0 + 0); r1 = *(u64 *)(%0 + 8);"
		     ".rept 8300; if r1 > r2 goto +0; .endr"
		     : : "r"(ctx) : "r1", "r2");
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
