// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "packets.h"
#include "packets.skel.h"
#include "program.h"
#include "test.h"

/* An Ethernet frame, filled as far as the program reads it. */
struct frame {
	__u8 bytes[1500];
};

static struct frame ipv4(const char *from)
{
	struct frame f = { { [12] = 0x08, [13] = 0x00, [14] = 0x45 } };

	CHECK(inet_pton(AF_INET, from, f.bytes + 14 + 12) == 1);
	return f;
}

static struct frame ipv6(const char *from)
{
	struct frame f = { { [12] = 0x86, [13] = 0xdd, [14] = 0x60 } };

	CHECK(inet_pton(AF_INET6, from, f.bytes + 14 + 8) == 1);
	return f;
}

static struct packets_bpf *load(void)
{
	struct packets_bpf *skel = packets_bpf__open_and_load();

	CHECK(skel);
	return skel;
}

/* The kernel runs the program on a packet that we make up: no interface needed. */
static void receive(struct packets_bpf *skel, struct frame frame, size_t size, int times)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &frame, .data_size_in = size,
		    .repeat = times);

	CHECK(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.count_packets), &opts) == 0);
	CHECK(opts.retval == XDP_PASS, "verdict %u", opts.retval);
}

/* What the map has for an address, given as IPv6. */
static struct traffic traffic(struct packets_bpf *skel, const char *from)
{
	struct traffic t = {};
	struct source source;

	CHECK(inet_pton(AF_INET6, from, source.addr) == 1);
	bpf_map_lookup_elem(bpf_map__fd(skel->maps.sources), &source, &t);
	return t;
}

static void check_traffic(struct packets_bpf *skel, const char *from, __u64 packets, __u64 bytes)
{
	struct traffic t = traffic(skel, from);

	CHECK(t.packets == packets && t.bytes == bytes, "%s: %llu packets, %llu bytes", from,
	      t.packets, t.bytes);
	CHECK((t.last_seen_ns > 0) == (packets > 0), "%llu", t.last_seen_ns);
}

static bool is_empty(struct packets_bpf *skel)
{
	struct source first;

	return bpf_map_get_next_key(bpf_map__fd(skel->maps.sources), NULL, &first) != 0;
}

static void test_counts(void)
{
	struct packets_bpf *skel = load();

	receive(skel, ipv4("192.0.2.7"), 60, 1);
	receive(skel, ipv6("2001:db8::7"), 1500, 1);
	check_traffic(skel, "::ffff:192.0.2.7", 1, 60);
	check_traffic(skel, "2001:db8::7", 1, 1500);
	check_traffic(skel, "::ffff:192.0.2.8", 0, 0);
}

static void test_adds_up(void)
{
	struct packets_bpf *skel = load();

	receive(skel, ipv4("192.0.2.1"), 64, 1);
	receive(skel, ipv4("192.0.2.2"), 64, 100);
	check_traffic(skel, "::ffff:192.0.2.1", 1, 64);
	check_traffic(skel, "::ffff:192.0.2.2", 100, 6400);
}

static void test_passes_over_others(void)
{
	struct frame arp = { { [12] = 0x08, [13] = 0x06 } };
	struct packets_bpf *skel = load();

	receive(skel, arp, 60, 1);
	receive(skel, ipv4("192.0.2.7"), 14 + 19, 1);
	receive(skel, ipv6("2001:db8::7"), 14 + 39, 1);
	CHECK(is_empty(skel));
}

static void ip(const char *arguments)
{
	char command[256], out[1024];

	snprintf(command, sizeof(command), "ip %s 2>&1", arguments);
	CHECK(run_command(command, out, sizeof(out)) == 0, "%s: %s", command, out);
}

/*
 * Starts the program on one end of a pair of virtual interfaces, in a network of
 * the test's own, which goes with its process.
 */
static void start_program(struct child *c, const char *arguments)
{
	char command[256];

	if (unshare(CLONE_NEWNET))
		skip_test("a network of its own cannot be made here");
	ip("link add left type veth peer name right address 02:00:00:00:00:02");
	ip("addr add 192.0.2.1/24 dev left");
	ip("link set left up");
	ip("link set right up");
	ip("neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev left");
	snprintf(command, sizeof(command),
		 "exec %s --interface right --interval 200 %s 2>/dev/null", program(), arguments);
	start_child(c, command);
}

/* Sends packets until the program prints a line with the text. */
static void see(const char *arguments, const char *want)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct child c;
	const char *line;
	pid_t sender;

	start_program(&c, arguments);
	sender = fork();
	CHECK(sender >= 0);
	if (sender == 0) {
		int s = socket(AF_INET, SOCK_DGRAM, 0);

		inet_pton(AF_INET, "192.0.2.2", &to.sin_addr);
		for (int i = 0; i < 300; i++) {
			sendto(s, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to));
			usleep(100 * 1000);
		}
		_exit(EXIT_SUCCESS);
	}
	line = read_until(&c, "192.0.2.1");
	kill(sender, SIGKILL);
	CHECK(strstr(line, want), "%s", line);
	CHECK(interrupt_child(&c) == 0);
}

static void test_table(void)
{
	see("", "192.0.2.1  ");
}

static void test_json(void)
{
	see("--json", "{\"source\":\"192.0.2.1\",\"packets\":");
}

/* What the command line cannot mean is a usage error, what is not there a failure. */
static void test_refuses(void)
{
	static const struct {
		const char *arguments;
		int code;
	} bad[] = {
		{ "", 2 },
		{ "--interface lo --mode fast", 2 },
		{ "--interface lo --interval 0", 2 },
		{ "--interface none0", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char command[256], out[4096];
		int code;

		snprintf(command, sizeof(command), "%s %s 2>&1", program(), bad[i].arguments);
		code = run_command(command, out, sizeof(out));
		CHECK(code == bad[i].code, "%s: %d: %s", command, code, out);
	}
}

int main(void)
{
	static const struct test tests[] = {
		{ "packets are counted by source", test_counts, true },
		{ "counts add up", test_adds_up, true },
		{ "what is no whole IP packet is passed over", test_passes_over_others, true },
		{ "the program prints a table", test_table, true },
		{ "the program prints JSON", test_json, true },
		{ "what makes no sense is refused", test_refuses, false },
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
