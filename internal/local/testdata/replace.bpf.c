// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs whose links can be updated in place, and two whose cannot; each counts
   its runs in a map that may outlive it. */
typedef unsigned int __u32;
typedef unsigned long long __u64;
#define SEC(name) __attribute__((section(name), used))

static void *(*const lookup)(void *map, const void *key) = (void *)1;

struct {
	int (*type)[2]; /* array */
	int (*max_entries)[8];
	__u32 *key;
	__u64 *value;
} hits SEC(".maps");

struct {
	int (*type)[1]; /* hash */
	int (*max_entries)[16];
	__u32 *key;
	__u64 *value;
} memory SEC(".maps");

const volatile __u32 version = 1;

#define PROGRAM(section, name, slot, result)                            \
	SEC(section) int name(void *ctx)                                    \
	{                                                                   \
		__u32 key = slot;                                               \
		__u64 *count = lookup(&hits, &key), *kept = lookup(&memory, &key); \
		if (count)                                                      \
			__sync_fetch_and_add(count, version ? 1 : 0);               \
		return kept ? result : result;                                  \
	}

PROGRAM("xdp", on_xdp, 0, 2)
PROGRAM("tcx/egress", on_egress, 1, -1)
PROGRAM("cgroup_skb/egress", on_cgroup, 2, 1)
PROGRAM("sk_lookup", on_lookup, 3, 1)
PROGRAM("raw_tracepoint/sys_enter", on_call, 4, 0)
PROGRAM("flow_dissector", on_flow, 5, 0)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
