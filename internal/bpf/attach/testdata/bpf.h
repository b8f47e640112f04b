/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the test objects share, instead of vmlinux.h and libbpf's headers. */
typedef unsigned char __u8;
typedef unsigned int __u32;
typedef unsigned long long __u64;

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name

enum { MAP_HASH = 1, MAP_ARRAY = 2, MAP_SOCKMAP = 15 };

/* linux/bpf.h: the helpers by their numbers. */
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;
static long (*const bpf_sock_map_update)(void *skops, void *map, void *key, __u64 flags) = (void *)53;
static __u64 (*const bpf_get_attach_cookie)(void *ctx) = (void *)174;

/* The program on_NAME, which counts how often it ran in NAME_hits. */
#define PROGRAM(section, name, result)         \
	__u64 name##_hits;                         \
	SEC(section) int on_##name(void *ctx)      \
	{                                          \
		__sync_fetch_and_add(&name##_hits, 1); \
		return result;                         \
	}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
