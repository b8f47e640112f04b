/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The BPF side of execs.py. BCC compiles it each time that execs.py starts, against
 * the headers of the running kernel. It reads no structs of the kernel's own, so that
 * headers of another version do as well.
 */
#define BPF_LICENSE Dual BSD/GPL

#define COMM_LEN 16
#define FILENAME_LEN 128
#define MAX_ARGS 8
#define ARG_LEN 128

/* What a program is started with. */
struct arguments {
	u16 count; /* of args that are filled */
	u16 cut;   /* not zero when some did not fit */
	char args[MAX_ARGS][ARG_LEN];
};

/* What user space gets for each program that starts. */
struct event {
	u32 pid;
	u32 ppid; /* 0 when it was there before us */
	u32 uid;
	char comm[COMM_LEN];
	char filename[FILENAME_LEN];
	struct arguments arguments;
};

/* Who runs what. */
struct command {
	char comm[COMM_LEN];
	u32 uid;
};

BPF_HASH(execs, struct command, u64, 4096);
BPF_RINGBUF_OUTPUT(events, 64); /* pages */

/* Events that did not fit, because user space reads too slowly. */
BPF_ARRAY(lost, u64, 1);

/* Threads that are about to start a program; those that failed are forgotten. */
BPF_TABLE("lru_hash", u32, struct arguments, starting, 1024);
BPF_PERCPU_ARRAY(scratch, struct arguments, 1); /* too big for the stack */

/* Which process made a process. */
BPF_TABLE("lru_hash", u32, u32, parents, 16384);

/* Runs in the parent. */
int on_fork(struct tracepoint__sched__sched_process_fork *args)
{
	u32 parent = bpf_get_current_pid_tgid() >> 32;
	u32 child = args->child_pid;

	parents.update(&child, &parent);
	return 0;
}

/* Runs before the kernel starts the program: the arguments are the caller's memory. */
int on_execve(struct tracepoint__syscalls__sys_enter_execve *args)
{
	const char *const *argv = (const char *const *)args->argv;
	u32 tid = bpf_get_current_pid_tgid();
	struct arguments *a;
	int zero = 0;

	a = scratch.lookup(&zero);
	if (!a)
		return 0;
	a->count = 0;
	a->cut = 0;
	for (int i = 0; i < MAX_ARGS + 1; i++) {
		const char *arg = NULL;
		int len;

		bpf_probe_read_user(&arg, sizeof(arg), &argv[i]);
		if (!arg)
			break;
		if (i == MAX_ARGS) {
			a->cut = 1;
			break;
		}
		len = bpf_probe_read_user_str(a->args[i], ARG_LEN, arg);
		if (len < 0)
			a->args[i][0] = 0;
		if (len < 0 || len == ARG_LEN)
			a->cut = 1;
		a->count = i + 1;
	}
	starting.update(&tid, a);
	return 0;
}

/* Runs in the new program's process, after its memory has been set up. */
int on_exec(struct tracepoint__sched__sched_process_exec *args)
{
	struct command key = {};
	struct arguments *a;
	struct event *e;
	int zero = 0;
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	u32 tid = args->old_pid; /* another thread's, maybe, before it became the process */
	u32 *ppid;

	key.uid = bpf_get_current_uid_gid();
#ifdef ONLY_UID
	if (key.uid != ONLY_UID)
		return 0;
#endif
	/* Before what may fail: counting goes on when nobody reads the events. */
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	execs.atomic_increment(key);

	e = events.ringbuf_reserve(sizeof(struct event));
	if (!e) {
		lost.atomic_increment(zero);
		return 0;
	}
	e->pid = pid;
	ppid = parents.lookup(&pid);
	e->ppid = ppid ? *ppid : 0;
	e->uid = key.uid;
	__builtin_memcpy(e->comm, key.comm, sizeof(e->comm));
	TP_DATA_LOC_READ_STR(&e->filename, filename, sizeof(e->filename));

	a = starting.lookup(&tid);
	if (a) {
		bpf_probe_read_kernel(&e->arguments, sizeof(e->arguments), a);
		starting.delete(&tid);
	} else {
		e->arguments.count = 0; /* started by execveat */
		e->arguments.cut = 1;
	}
	events.ringbuf_submit(e, 0);
	return 0;
}
