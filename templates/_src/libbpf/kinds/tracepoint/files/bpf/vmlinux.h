/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that this project uses, and no others. preserve_access_index
 * makes every field access a CO-RE relocation: the loader looks the field up in
 * the running kernel's BTF, so it does not matter that most fields are left out
 * or that a kernel has them elsewhere.
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

typedef int pid_t;

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_RINGBUF = 27,
};

/* Flags of bpf_map_update_elem. */
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
};

struct task_struct {
	struct mm_struct *mm;
	struct task_struct *real_parent;
	pid_t tgid;
};

/* The context of tracepoint sched:sched_process_exec. */
struct trace_event_raw_sched_process_exec {
	__u32 __data_loc_filename;
	pid_t pid;
	pid_t old_pid;
};

#pragma clang attribute pop

#endif /* __VMLINUX_H__ */
