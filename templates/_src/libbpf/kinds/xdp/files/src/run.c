// SPDX-License-Identifier: BSD-2-Clause
#include "program.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "packets.h"
#include "packets.skel.h"

static struct {
	const char *interface;
	__u32 flags; /* how to attach; by default the kernel takes the best way */
	long interval, top;
	bool json;
} options = { .interval = 1000, .top = 10 };

static const struct argp_option option_list[] = {
	{ "interface", 'i', "NAME", 0, "Count what arrives at this interface (required)", 0 },
	{ "mode", 'm', "HOW", 0, "How to attach: auto, native or generic (auto)", 0 },
	{ "interval", 'n', "MS", 0, "Print after so many milliseconds (1000)", 0 },
	{ "top", 't', "N", 0, "Print the sources that sent most, so many (10)", 0 },
	{ "json", 'j', NULL, 0, "Print one JSON array per line", 0 },
	{ "verbose", 'v', NULL, 0, "Show what libbpf does", 0 },
	{},
};

/* In the driver or, slower but for every interface, in the network stack. */
static bool parse_mode(const char *name)
{
	static const struct {
		const char *name;
		__u32 flags;
	} modes[] = {
		{ "auto", 0 },
		{ "native", XDP_FLAGS_DRV_MODE },
		{ "generic", XDP_FLAGS_SKB_MODE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(name, modes[i].name) == 0) {
			options.flags = modes[i].flags;
			return true;
		}
	}
	return false;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'i':
		options.interface = arg;
		return 0;
	case 'm':
		if (!parse_mode(arg))
			argp_error(state, "mode \"%s\": want auto, native or generic", arg);
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
	case ARGP_KEY_END:
		if (!options.interface)
			argp_error(state, "which interface? --interface lo");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = option_list,
	.parser = parse_option,
	.doc = "Counts the packets that arrive at an interface, by source address.\v"
	       "Stops on Ctrl-C.",
};

struct entry {
	struct source source;
	struct traffic traffic;
};

static int by_packets(const void *a, const void *b)
{
	__u64 one = ((const struct entry *)a)->traffic.packets;
	__u64 other = ((const struct entry *)b)->traffic.packets;

	if (one == other)
		return memcmp(a, b, sizeof(struct source));
	return one < other ? 1 : -1;
}

/* Reads the map. Packets that arrive meanwhile may cut it short. */
static size_t read_sources(int map, struct entry *entries, size_t room)
{
	struct source *last = NULL;
	size_t count = 0;

	while (count < room) {
		struct entry *e = &entries[count];

		if (bpf_map_get_next_key(map, last, &e->source))
			break;
		last = &e->source;
		if (bpf_map_lookup_elem(map, last, &e->traffic) == 0)
			count++;
	}
	qsort(entries, count, sizeof(*entries), by_packets);
	return count;
}

/* An IPv4 address has a form of its own. */
static const char *address(const struct source *source)
{
	static const __u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	static char text[INET6_ADDRSTRLEN];

	if (memcmp(source->addr, mapped, sizeof(mapped)) == 0)
		return inet_ntop(AF_INET, source->addr + sizeof(mapped), text, sizeof(text));
	return inet_ntop(AF_INET6, source->addr, text, sizeof(text));
}

static void print_json_array(const struct entry *entries, size_t count)
{
	printf("[");
	for (size_t i = 0; i < count; i++)
		printf("%s{\"source\":\"%s\",\"packets\":%llu,\"bytes\":%llu}", i ? "," : "",
		       address(&entries[i].source), entries[i].traffic.packets,
		       entries[i].traffic.bytes);
	printf("]\n");
}

static void print_table(const struct entry *entries, size_t count)
{
	printf("%-39s  %10s  %12s\n", "SOURCE", "PACKETS", "BYTES");
	for (size_t i = 0; i < count; i++)
		printf("%-39s  %10llu  %12llu\n", address(&entries[i].source),
		       entries[i].traffic.packets, entries[i].traffic.bytes);
	printf("\n");
}

/* Prints the top of the map after each interval. */
static int print_sources(struct packets_bpf *skel)
{
	size_t room = bpf_map__max_entries(skel->maps.sources);
	struct entry *entries = calloc(room, sizeof(*entries));
	int code = EXIT_SUCCESS;

	if (!entries)
		return failed(ENOMEM, "read map sources");
	for (;;) {
		size_t count;

		wait_seconds(options.interval / 1000.0);
		if (stopping)
			break;
		count = read_sources(bpf_map__fd(skel->maps.sources), entries, room);
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

/* Attaches until the process ends. Returns the link or an error. */
static int attach(struct packets_bpf *skel, int interface)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = options.flags);

	return bpf_link_create(bpf_program__fd(skel->progs.count_packets), interface, BPF_XDP,
			       &opts);
}

int run(int argc, char **argv)
{
	struct packets_bpf *skel;
	int interface, link, code;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);

	interface = if_nametoindex(options.interface);
	if (!interface)
		return failed(errno, "interface %s", options.interface);
	skel = packets_bpf__open_and_load();
	if (!skel)
		return failed(errno, "load");
	link = attach(skel, interface);
	if (link < 0) {
		code = failed(link, "attach to %s", options.interface);
	} else {
		fprintf(stderr, "counting on %s, Ctrl-C stops\n", options.interface);
		code = print_sources(skel);
		close(link);
	}
	packets_bpf__destroy(skel);
	return code;
}
