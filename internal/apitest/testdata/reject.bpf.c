// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Two programs, of which the verifier refuses one. */
#include "bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

SEC("raw_tracepoint/sys_enter")
int accepted(__u64 *ctx)
{
	return 0;
}

SEC("raw_tracepoint/sys_exit")
int unchecked_lookup(__u64 *ctx)
{
	__u32 key = 1;
	__u64 *slot = bpf_map_lookup_elem(&slots, &key);

	*slot += 1; /* no check for NULL: this line is refused */
	return 0;
}
