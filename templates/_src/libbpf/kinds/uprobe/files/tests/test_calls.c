// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "calls.h"
#include "calls.skel.h"
#include "program.h"
#include "test.h"

/* Loads and attaches to a function of the C library. The process's end takes it back. */
static struct calls_bpf *load(const char *symbol, int size_argument, pid_t pid)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = symbol);
	struct calls_bpf *skel = calls_bpf__open();

	CHECK(skel);
	skel->rodata->size_argument = size_argument;
	CHECK(calls_bpf__load(skel) == 0);
	CHECK(bpf_program__attach_uprobe_opts(skel->progs.on_call, pid, "libc.so.6", 0, &opts));
	return skel;
}

/* Adds up what callers of a name have, and says how many there are. */
static int sum(struct calls_bpf *skel, const char *comm, struct count *total, __u32 *pid)
{
	int map = bpf_map__fd(skel->maps.calls), callers = 0;
	struct caller key, *last = NULL;
	struct count count;

	memset(total, 0, sizeof(*total));
	for (; bpf_map_get_next_key(map, last, &key) == 0; last = &key) {
		if (comm && strcmp(key.comm, comm) != 0)
			continue;
		CHECK(bpf_map_lookup_elem(map, &key, &count) == 0);
		total->calls += count.calls;
		total->bytes += count.bytes;
		*pid = key.pid;
		callers++;
	}
	return callers;
}

/* A program that starts is counted: all of them call malloc. */
static void test_counts_every_process(void)
{
	static const char *const comms[] = { "sh", "sort" };
	struct calls_bpf *skel = load("malloc", 1, -1);
	struct child first, second;
	struct count total;
	__u32 pid;

	start_child(&first, "exec sh");
	start_child(&second, "exec sh");
	tell_child(&first, "x=$(sort /etc/passwd)");
	tell_child(&second, "x=$(sort /etc/passwd)");
	for (size_t i = 0; i < ARRAY_SIZE(comms); i++) {
		int callers = sum(skel, comms[i], &total, &pid);

		CHECK(callers >= 2, "%d processes %s", callers, comms[i]);
		CHECK(total.calls > 0 && total.bytes >= total.calls);
	}
	interrupt_child(&first);
	interrupt_child(&second);
}

/* Of two processes that both call, only the chosen one is counted. */
static void test_counts_one_process(void)
{
	struct child chosen, other;
	struct calls_bpf *skel;
	struct count total;
	char command[5003];
	__u32 pid;

	memset(command, 'x', sizeof(command));
	command[1] = '=';
	command[sizeof(command) - 1] = 0;

	start_child(&chosen, "exec sh");
	start_child(&other, "exec sh");
	tell_child(&chosen, ":");
	skel = load("malloc", 1, chosen.pid);
	tell_child(&other, "x=$(sort /etc/passwd)");
	CHECK(sum(skel, NULL, &total, &pid) == 0);
	tell_child(&chosen, command); /* more than fits into what the shell has */
	CHECK(sum(skel, NULL, &total, &pid) == 1);
	CHECK(total.bytes >= 5000, "%llu", total.bytes);
	if (sees_whole_machine())
		CHECK((pid_t)pid == chosen.pid, "%u", pid);
	interrupt_child(&chosen);
	interrupt_child(&other);
}

/* Bytes come from the argument that is said to have them, or from none. */
static void test_adds_up_an_argument(void)
{
	static const struct {
		int argument;
		__u64 bytes;
	} cases[] = { { 0, 0 }, { 3, sizeof("done\n") - 1 } }; /* write(file, buffer, size) */

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct calls_bpf *skel;
		struct child shell;
		struct count total;
		__u32 pid;

		start_child(&shell, "exec sh");
		tell_child(&shell, ":");
		skel = load("write", cases[i].argument, shell.pid);
		tell_child(&shell, ":");
		CHECK(sum(skel, NULL, &total, &pid) == 1);
		CHECK(total.calls == 1 && total.bytes == cases[i].bytes, "%llu calls, %llu bytes",
		      total.calls, total.bytes);
		interrupt_child(&shell);
	}
}

/* The program itself, as a person runs it, on a shell that it is told to watch. */
static void see(const char *arguments, const char *want)
{
	struct child c, shell;
	char command[256];
	const char *line;

	start_child(&shell, "while :; do x=$(sort /etc/passwd); sleep 0.1; done");
	snprintf(command, sizeof(command), "exec %s --pid %d --interval 200 %s 2>/dev/null",
		 program(), shell.pid, arguments);
	start_child(&c, command);
	line = read_until(&c, "sh");
	CHECK(strstr(line, want), "%s", line);
	CHECK(interrupt_child(&c) == 0);
	interrupt_child(&shell);
}

static void test_table(void)
{
	see("", "  sh               ");
}

static void test_json(void)
{
	see("--json", "\"comm\":\"sh\",\"calls\":");
}

/* What the command line cannot mean is a usage error, what is not there a failure. */
static void test_refuses(void)
{
	static const struct {
		const char *arguments;
		int code;
	} bad[] = {
		{ "--size 5", 2 },
		{ "--pid x", 2 },
		{ "--interval 0", 2 },
		{ "--symbol no_such_function", 1 },
		{ "--path libnone.so.6", 1 },
		{ "--path /no/such/file", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char command[256], out[8192];
		int code;

		snprintf(command, sizeof(command), "%s %s 2>&1", program(), bad[i].arguments);
		code = run_command(command, out, sizeof(out));
		CHECK(code == bad[i].code, "%s: %d: %s", command, code, out);
		CHECK(strstr(out, "rror") || code == 2, "%s", out);
	}
}

int main(void)
{
	static const struct test tests[] = {
		{ "every process is counted", test_counts_every_process, true },
		{ "one process is counted", test_counts_one_process, true },
		{ "the chosen argument is added up", test_adds_up_an_argument, true },
		{ "the program prints a table", test_table, true },
		{ "the program prints JSON", test_json, true },
		{ "what makes no sense is refused", test_refuses, true },
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
