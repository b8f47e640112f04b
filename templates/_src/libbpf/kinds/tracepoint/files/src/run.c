// SPDX-License-Identifier: BSD-2-Clause
#include "program.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "exec.h"
#include "exec.skel.h"

#define SUMMARY 10 /* commands in the summary at the end */

static struct {
	bool json;
} options;

static const struct argp_option option_list[] = {
	{ "json", 'j', NULL, 0, "Print one JSON object per line", 0 },
	{ "verbose", 'v', NULL, 0, "Show what libbpf does", 0 },
	{},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'j':
		options.json = true;
		return 0;
	case 'v':
		verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument \"%s\"", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = option_list,
	.parser = parse_option,
	.doc = "Prints every program that starts on this machine, with its arguments.\v"
	       "Stops on Ctrl-C; then the commands that ran most often are shown.",
};

static int args_count(const struct event *e)
{
	return e->args_count < MAX_ARGS ? e->args_count : MAX_ARGS;
}

static void print_event_json(const struct event *e)
{
	printf("{\"pid\":%u,\"ppid\":%u,\"uid\":%u,\"comm\":", e->pid, e->ppid, e->uid);
	print_json(stdout, e->comm);
	printf(",\"filename\":");
	print_json(stdout, e->filename);
	printf(",\"args\":[");
	for (int i = 0; i < args_count(e); i++) {
		printf("%s", i ? "," : "");
		print_json(stdout, e->args[i]);
	}
	printf("]%s}\n", e->args_cut ? ",\"truncated\":true" : "");
}

static void print_event_line(const struct event *e)
{
	static bool begun;
	time_t now = time(NULL);
	char clock[16];

	if (!begun)
		printf("%-8s  %7s  %7s  %5s  %-15s  %s\n", "TIME", "PID", "PPID", "UID", "COMM",
		       "ARGS");
	begun = true;
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
	printf("%s  %7u  %7u  %5u  ", clock, e->pid, e->ppid, e->uid);
	print_quoted(stdout, e->comm, COMM_LEN - 1);
	printf(" ");
	for (int i = 0; i < args_count(e); i++) {
		printf(" ");
		print_quoted(stdout, e->args[i], 0);
	}
	printf("%s\n", e->args_cut ? " ..." : "");
}

static int handle_event(void *context, void *data, size_t size)
{
	const struct event *e = data;

	(void)context;
	if (size < sizeof(*e))
		return -EINVAL;
	if (options.json)
		print_event_json(e);
	else
		print_event_line(e);
	return ferror(stdout) ? -EIO : 0;
}

struct entry {
	struct command command;
	struct count count;
};

static int by_execs(const void *a, const void *b)
{
	__u64 one = ((const struct entry *)a)->count.execs;
	__u64 other = ((const struct entry *)b)->count.execs;

	return one < other ? 1 : one > other ? -1 : 0;
}

/* Prints the commands that ran most often, from the map. */
static int print_summary(struct exec_bpf *skel)
{
	int map = bpf_map__fd(skel->maps.execs);
	size_t room = bpf_map__max_entries(skel->maps.execs);
	struct entry *entries = calloc(room, sizeof(*entries));
	struct command *last = NULL;
	size_t count = 0;

	if (!entries)
		return failed(ENOMEM, "read map execs");
	while (count < room) {
		struct entry *e = &entries[count];

		if (bpf_map_get_next_key(map, last, &e->command))
			break;
		last = &e->command;
		if (bpf_map_lookup_elem(map, last, &e->count) == 0)
			count++;
	}
	qsort(entries, count, sizeof(*entries), by_execs);
	fprintf(stderr, "\n%7s  %5s  %s\n", "EXECS", "UID", "COMM");
	for (size_t i = 0; i < count && i < SUMMARY; i++) {
		fprintf(stderr, "%7llu  %5u  ", entries[i].count.execs, entries[i].command.uid);
		print_quoted(stderr, entries[i].command.comm, 0);
		fprintf(stderr, "\n");
	}
	if (skel->bss->lost)
		fprintf(stderr, "%llu events were lost\n", skel->bss->lost);
	free(entries);
	return EXIT_SUCCESS;
}

static int print_events(struct exec_bpf *skel)
{
	struct ring_buffer *events;
	int err, code;

	events = ring_buffer__new(bpf_map__fd(skel->maps.events), handle_event, NULL, NULL);
	if (!events)
		return failed(errno, "open ring buffer events");
	err = exec_bpf__attach(skel);
	if (err) {
		code = failed(err, "attach");
		goto out;
	}
	while (!stopping) {
		err = ring_buffer__poll(events, 100 /* ms */);
		if (err < 0 && err != -EINTR) {
			code = failed(err, "read events");
			goto out;
		}
	}
	code = print_summary(skel);
out:
	ring_buffer__free(events);
	return code;
}

int run(int argc, char **argv)
{
	struct exec_bpf *skel;
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);

	skel = exec_bpf__open_and_load();
	if (!skel)
		return failed(errno, "load");
	code = print_events(skel);
	exec_bpf__destroy(skel); /* detaches and unloads */
	return code;
}
