// SPDX-License-Identifier: BSD-2-Clause
#include "program.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

volatile sig_atomic_t stopping;
bool verbose;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	if (!verbose) {
		if (level != LIBBPF_WARN)
			return 0;
		/* What it says when root is missing is long; failed says it in a line. */
		if (geteuid() != 0)
			return 0;
	}
	return vfprintf(stderr, format, args);
}

void set_up(void)
{
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0); /* also when it is a pipe */
	libbpf_set_print(print_libbpf);
}

void wait_seconds(double seconds)
{
	/* In short pieces, so that no signal comes between the look and the sleep. */
	const double piece = 0.1;

	while (seconds > 0 && !stopping) {
		double now = seconds < piece ? seconds : piece;
		struct timespec time = { .tv_nsec = now * 1e9 };

		nanosleep(&time, NULL);
		seconds -= now;
	}
}

int failed(int cause, const char *format, ...)
{
	va_list args;

	cause = abs(cause);
	fputs("error: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(cause));
	if ((cause == EPERM || cause == EACCES) && geteuid() != 0)
		fputs("hint: loading programs needs root: make run\n", stderr);
	else if (!verbose)
		fputs("hint: --verbose shows what libbpf does\n", stderr);
	return EXIT_FAILURE;
}

bool parse_number(const char *text, long min, long max, long *number)
{
	char *end;

	errno = 0;
	*number = strtol(text, &end, 10);
	return errno == 0 && end != text && *end == 0 && *number >= min && *number <= max;
}

static bool is_word(const char *text)
{
	if (!*text)
		return false;
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || *c == '"' || *c == '\\')
			return false;
	return true;
}

void print_quoted(FILE *out, const char *text, int width)
{
	int printed = 0;

	if (is_word(text)) {
		fprintf(out, "%-*s", width, text);
		return;
	}
	printed += fprintf(out, "\"");
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			printed += fprintf(out, "\\%c", *c);
		else if (*c == '\n')
			printed += fprintf(out, "\\n");
		else if (*c < ' ' || *c >= 0x7f)
			printed += fprintf(out, "\\x%02x", *c);
		else
			printed += fprintf(out, "%c", *c);
	}
	printed += fprintf(out, "\"");
	if (printed < width)
		fprintf(out, "%*s", width - printed, "");
}

/* The length of the UTF-8 sequence at the beginning of text, 0 if there is none. */
static int utf8_length(const unsigned char *text)
{
	static const struct {
		unsigned char mask, lead;
		unsigned int least; /* code point; a smaller one has a shorter sequence */
	} forms[] = { { 0x80, 0x00, 0 },
		      { 0xe0, 0xc0, 0x80 },
		      { 0xf0, 0xe0, 0x800 },
		      { 0xf8, 0xf0, 0x10000 } };

	for (size_t more = 0; more < ARRAY_SIZE(forms); more++) {
		unsigned int point = text[0] & ~forms[more].mask;

		if ((text[0] & forms[more].mask) != forms[more].lead)
			continue;
		for (size_t i = 1; i <= more; i++) {
			if ((text[i] & 0xc0) != 0x80) /* the final zero is none either */
				return 0;
			point = point << 6 | (text[i] & 0x3f);
		}
		if (point < forms[more].least || point > 0x10ffff ||
		    (point >= 0xd800 && point <= 0xdfff))
			return 0;
		return more + 1;
	}
	return 0;
}

void print_json(FILE *out, const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	fputc('"', out);
	while (*c) {
		int length = utf8_length(c);

		if (length == 0)
			fputs("\\ufffd", out);
		else if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c < ' ' || *c == 0x7f)
			fprintf(out, "\\u%04x", *c);
		else
			fwrite(c, 1, length, out);
		c += length ? length : 1;
	}
	fputc('"', out);
}
