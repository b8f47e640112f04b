// SPDX-License-Identifier: BSD-2-Clause
#include "program.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "calls.h"
#include "calls.skel.h"

static struct {
	const char *path, *symbol;
	long size, pid, interval, top;
	bool json;
} options = {
	.path = "libc.so.6",
	.symbol = "malloc",
	.size = 1,
	.pid = -1,
	.interval = 1000,
	.top = 10,
};

static const struct argp_option option_list[] = {
	{ "path", 'f', "FILE", 0,
	  "The file that has the function: a path, or a bare name (libc.so.6)", 0 },
	{ "symbol", 's', "NAME", 0, "Count calls of this function (malloc)", 0 },
	{ "size", 'a', "N", 0,
	  "Add up the function's argument N as bytes: 1 to 4, or 0 for none (1)", 0 },
	{ "pid", 'p', "PID", 0, "Only this process (all)", 0 },
	{ "interval", 'n', "MS", 0, "Print after so many milliseconds (1000)", 0 },
	{ "top", 't', "N", 0, "Print the processes that called most, so many (10)", 0 },
	{ "json", 'j', NULL, 0, "Print one JSON array per line", 0 },
	{ "verbose", 'v', NULL, 0, "Show what libbpf does", 0 },
	{},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'f':
		options.path = arg;
		return 0;
	case 's':
		options.symbol = arg;
		return 0;
	case 'a':
		if (!parse_number(arg, 0, 4, &options.size))
			argp_error(state, "size \"%s\": want an argument from 1 to 4, or 0", arg);
		return 0;
	case 'p':
		if (!parse_number(arg, 1, INT_MAX, &options.pid))
			argp_error(state, "pid \"%s\": want a number", arg);
		return 0;
	case 'n':
		if (!parse_number(arg, 1, 86400000, &options.interval))
			argp_error(state, "interval \"%s\": want milliseconds", arg);
		return 0;
	case 't':
		if (!parse_number(arg, 1, 8192, &options.top))
			argp_error(state, "top \"%s\": want a number up to 8192", arg);
		return 0;
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
	.doc = "Counts the calls of a library's function, by process.\v"
	       "Stops on Ctrl-C.",
};

struct entry {
	struct caller caller;
	struct count count;
};

static int by_calls(const void *a, const void *b)
{
	__u64 one = ((const struct entry *)a)->count.calls;
	__u64 other = ((const struct entry *)b)->count.calls;

	if (one == other)
		return memcmp(a, b, sizeof(struct caller));
	return one < other ? 1 : -1;
}

/* Reads the map. Processes that come and go meanwhile may cut it short. */
static size_t read_calls(int map, struct entry *entries, size_t room)
{
	struct caller *last = NULL;
	size_t count = 0;

	while (count < room) {
		struct entry *e = &entries[count];

		if (bpf_map_get_next_key(map, last, &e->caller))
			break;
		last = &e->caller;
		if (bpf_map_lookup_elem(map, last, &e->count) == 0)
			count++;
	}
	qsort(entries, count, sizeof(*entries), by_calls);
	return count;
}

static void print_json_array(const struct entry *entries, size_t count)
{
	printf("[");
	for (size_t i = 0; i < count; i++) {
		printf("%s{\"pid\":%u,\"comm\":", i ? "," : "", entries[i].caller.pid);
		print_json(stdout, entries[i].caller.comm);
		printf(",\"calls\":%llu,\"bytes\":%llu}", entries[i].count.calls,
		       entries[i].count.bytes);
	}
	printf("]\n");
}

static void print_table(const struct entry *entries, size_t count)
{
	printf("%7s  %-15s  %9s  %12s\n", "PID", "COMM", "CALLS", "BYTES");
	for (size_t i = 0; i < count; i++) {
		printf("%7u  ", entries[i].caller.pid);
		print_quoted(stdout, entries[i].caller.comm, COMM_LEN - 1);
		printf("  %9llu  %12llu\n", entries[i].count.calls, entries[i].count.bytes);
	}
	printf("\n");
}

/* Prints the top of the map after each interval. */
static int print_calls(struct calls_bpf *skel)
{
	size_t room = bpf_map__max_entries(skel->maps.calls);
	struct entry *entries = calloc(room, sizeof(*entries));
	int code = EXIT_SUCCESS;

	if (!entries)
		return failed(ENOMEM, "read map calls");
	for (;;) {
		size_t count;

		wait_seconds(options.interval / 1000.0);
		if (stopping)
			break;
		count = read_calls(bpf_map__fd(skel->maps.calls), entries, room);
		if (count > (size_t)options.top)
			count = options.top;
		if (options.json)
			print_json_array(entries, count);
		else
			print_table(entries, count);
		if (ferror(stdout)) {
			code = failed(EIO, "write");
			break;
		}
	}
	free(entries);
	return code;
}

/* Attaches until the skeleton is destroyed. libbpf finds libraries by their names. */
static int attach(struct calls_bpf *skel)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = options.symbol);

	skel->links.on_call = bpf_program__attach_uprobe_opts(skel->progs.on_call, options.pid,
							      options.path, 0, &opts);
	return skel->links.on_call ? 0 : -errno;
}

int run(int argc, char **argv)
{
	struct calls_bpf *skel;
	int err, code;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);

	skel = calls_bpf__open();
	if (!skel)
		return failed(errno, "open");
	skel->rodata->size_argument = options.size;
	err = calls_bpf__load(skel);
	if (err) {
		code = failed(err, "load");
		goto out;
	}
	err = attach(skel);
	if (err) {
		code = failed(err, "attach to %s of %s", options.symbol, options.path);
		goto out;
	}
	fprintf(stderr, "counting %s of %s, Ctrl-C stops\n", options.symbol, options.path);
	code = print_calls(skel);
out:
	calls_bpf__destroy(skel);
	return code;
}
