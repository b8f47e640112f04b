// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Maps as they were defined before BTF, with what Aya and iproute2 add. */
#define SEC(name) __attribute__((section(name), used))

struct aya_map {
	unsigned int type, key_size, value_size, max_entries, flags, id, pinning;
};

struct iproute2_map {
	unsigned int type, key_size, value_size, max_entries, flags, id, pinning, inner_id, inner_idx;
};

SEC("maps") struct aya_map pinned = { 1, 4, 8, 16, 0, 0, 1 };
#ifdef INNER
SEC("maps/of_maps") struct iproute2_map outer = { 12, 4, 4, 1, 0, 1, 0, 7, 0 };
#endif

SEC("socket") int filter(void *ctx) { return 0; }

char LICENSE[] SEC("license") = "Dual BSD/GPL";
