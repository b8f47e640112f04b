/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that this project uses, and no others. preserve_access_index
 * makes every field access a CO-RE relocation: the loader looks the field up in
 * the running kernel's BTF, so it does not matter that most fields are left out.
 *
 * The whole file for the running kernel, when you need more types:
 *     bpftool btf dump file /sys/kernel/btf/vmlinux format c > bpf/vmlinux.h
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;

/* Used by the prototypes in bpf/bpf_helpers.h. */
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

enum bpf_map_type {
	BPF_MAP_TYPE_LRU_HASH = 9,
};

/* Flags of bpf_map_update_elem. */
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* The registers that a function's first arguments are in. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
};
#endif

#pragma clang attribute pop

#endif /* __VMLINUX_H__ */
