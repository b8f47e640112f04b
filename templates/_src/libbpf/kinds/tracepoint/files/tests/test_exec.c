// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "exec.h"
#include "exec.skel.h"
#include "program.h"
#include "test.h"

/* Loads and attaches. The process's end takes it back. */
static struct exec_bpf *load(void)
{
	struct exec_bpf *skel = exec_bpf__open_and_load();

	CHECK(skel);
	CHECK(exec_bpf__attach(skel) == 0);
	return skel;
}

/* Runs a program and returns the process id that it had. */
static pid_t run_program(char **args)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		execvp(args[0], args);
		_exit(127);
	}
	CHECK(waitpid(pid, NULL, 0) == pid);
	return pid;
}

/* An argument that no other program has. */
static char *mark(const char *word)
{
	char *text;

	CHECK(asprintf(&text, "%s-%d", word, getpid()) > 0);
	return text;
}

struct search {
	const char *mark; /* the first argument */
	struct event event;
	bool found;
};

static int look(void *context, void *data, size_t size)
{
	struct search *s = context;
	const struct event *e = data;

	if (size >= sizeof(*e) && e->args_count > 1 && strcmp(e->args[1], s->mark) == 0) {
		s->event = *e;
		s->found = true;
	}
	return 0;
}

/* Reads events until the one whose first argument is the mark. */
static struct event find_event(struct exec_bpf *skel, const char *mark)
{
	struct search s = { .mark = mark };
	struct ring_buffer *events =
		ring_buffer__new(bpf_map__fd(skel->maps.events), look, &s, NULL);

	CHECK(events);
	for (int i = 0; i < 100 && !s.found; i++)
		CHECK(ring_buffer__poll(events, 100) >= 0);
	CHECK(s.found, "no event for %s", mark);
	ring_buffer__free(events);
	return s.event;
}

/* How often the map says that we have run a command. */
static __u64 count(struct exec_bpf *skel, const char *comm)
{
	struct command key = { .uid = getuid() };
	struct count value = {};

	strncpy(key.comm, comm, sizeof(key.comm) - 1);
	bpf_map_lookup_elem(bpf_map__fd(skel->maps.execs), &key, &value);
	return value.execs;
}

static void test_sees_exec(void)
{
	struct exec_bpf *skel = load();
	char *args[] = { "true", mark("seen"), "two words", NULL };
	struct event e;
	pid_t pid;

	pid = run_program(args);
	e = find_event(skel, args[1]);
	if (sees_whole_machine())
		CHECK((pid_t)e.pid == pid && (pid_t)e.ppid == getpid(), "%u %u", e.pid, e.ppid);
	CHECK(e.uid == getuid());
	CHECK(strcmp(e.comm, "true") == 0, "%s", e.comm);
	CHECK(strcmp(strrchr(e.filename, '/'), "/true") == 0, "%s", e.filename);
	CHECK(e.args_count == 3 && !e.args_cut && strcmp(e.args[2], "two words") == 0);
	CHECK(count(skel, "true") > 0);
}

/* Arguments that an event has no room for are cut or left out, and it says so. */
static void test_cuts_arguments(void)
{
	struct exec_bpf *skel = load();
	char fits[ARG_LEN - 1], longer[4096];
	char *just[] = { "true", mark("fits"), "", fits, "4", "5", "6", "7", NULL };
	char *cut[] = { "true", mark("long"), longer, "3", NULL };
	char *many[] = { "true", mark("many"), "2", "3", "4", "5", "6", "7", "8", NULL };
	struct event e;

	memset(fits, 'x', sizeof(fits));
	fits[sizeof(fits) - 1] = 0;
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;

	run_program(just);
	e = find_event(skel, just[1]);
	CHECK(e.args_count == 8 && !e.args_cut, "%d", e.args_count);
	CHECK(strcmp(e.args[2], "") == 0 && strcmp(e.args[3], fits) == 0);
	run_program(cut);
	e = find_event(skel, cut[1]);
	CHECK(e.args_count == 3 && e.args_cut, "%d", e.args_count);
	run_program(many);
	e = find_event(skel, many[1]);
	CHECK(e.args_count == 8 && e.args_cut, "%d", e.args_count);
}

/* Counting goes on when nobody reads the events and the ring buffer is full. */
static void test_counts_without_a_reader(void)
{
	const int times = 300; /* the ring buffer has room for some 220 */
	struct exec_bpf *skel = load();
	char *args[] = { "true", NULL };

	for (int i = 0; i < times; i++)
		run_program(args);
	CHECK(count(skel, "true") >= (__u64)times, "%llu", count(skel, "true"));
	CHECK(skel->bss->lost > 0);
}

/* The program itself, as a person runs it. */
static void test_program(const char *arguments, const char *want)
{
	struct child program_child, shell;
	char command[256];
	const char *line;

	snprintf(command, sizeof(command), "exec %s %s 2>&1", program(), arguments);
	start_child(&program_child, command);
	start_child(&shell, "while :; do true; /bin/true 'it works'; sleep 0.1; done");
	line = read_until(&program_child, "it works");
	CHECK(strstr(line, want), "%s", line);
	interrupt_child(&shell);
	kill(program_child.pid, SIGINT);
	read_until(&program_child, "EXECS"); /* the summary */
	read_until(&program_child, "true");
	CHECK(interrupt_child(&program_child) == 0);
}

static void test_table(void)
{
	test_program("", "/bin/true \"it works\"");
}

static void test_json(void)
{
	test_program("--json", "\"args\":[\"/bin/true\",\"it works\"]}");
}

int main(void)
{
	static const struct test tests[] = {
		{ "a program that starts is seen and counted", test_sees_exec, true },
		{ "arguments without room are cut", test_cuts_arguments, true },
		{ "counting needs no reader", test_counts_without_a_reader, true },
		{ "the program prints a table", test_table, true },
		{ "the program prints JSON", test_json, true },
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
