// SPDX-License-Identifier: BSD-2-Clause
/* What every program does, whatever it is for. */
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "test.h"

/* Runs the program and returns its exit code; what it prints, errors too, is kept. */
static int run_program(const char *format, const char *program, char *output, size_t size)
{
	char command[8192];

	snprintf(command, sizeof(command), format, program);
	return run_command(command, output, size);
}

static void test_help(void)
{
	char out[8192];

	CHECK(run_program("%s --help 2>&1", program(), out, sizeof(out)) == 0, "%s", out);
	CHECK(strstr(out, "Usage: ") && strstr(out, "--json") && strstr(out, "--verbose"), "%s",
	      out);
	CHECK(run_program("%s --version 2>&1", program(), out, sizeof(out)) == 0, "%s", out);
}

static void test_usage(void)
{
	char out[8192];

	CHECK(run_program("%s --no-such-option 2>&1", program(), out, sizeof(out)) == 2, "%s", out);
	CHECK(run_program("%s surplus 2>&1", program_with_arguments(), out, sizeof(out)) == 2, "%s",
	      out);
	CHECK(strstr(out, "surplus"), "%s", out);
}

static void test_without_root(void)
{
	char out[8192];
	int code = run_program("setpriv --reuid=65534 --clear-groups --bounding-set=-all "
			       "--inh-caps=-all %s 2>&1",
			       program_with_arguments(), out, sizeof(out));

	CHECK(code == 1, "%d: %s", code, out);
	CHECK(strstr(out, "error: ") && strstr(out, "hint: loading programs needs root"), "%s",
	      out);
}

/* Compares what a function prints. */
static void check_printed(void (*print)(FILE *, const char *), const char *text, const char *want)
{
	char got[256] = {};
	FILE *out = fmemopen(got, sizeof(got), "w");

	CHECK(out);
	print(out, text);
	fclose(out);
	CHECK(strcmp(got, want) == 0, "got %s, want %s", got, want);
}

static void print_in_six(FILE *out, const char *text)
{
	print_quoted(out, text, 6);
	fputc('|', out);
}

/* What a process calls itself must not control the terminal. */
static void test_quotes(void)
{
	check_printed(print_in_six, "ls", "ls    |");
	check_printed(print_in_six, "-l", "-l    |");
	check_printed(print_in_six, "", "\"\"    |");
	check_printed(print_in_six, "two words", "\"two words\"|");
	check_printed(print_in_six, "a\x1b[2J\n", "\"a\\x1b[2J\\n\"|");
	check_printed(print_in_six, "\"\\", "\"\\\"\\\\\"|");
	check_printed(print_in_six, "\xc2\x9b", "\"\\xc2\\x9b\"|");
}

static void test_json(void)
{
	check_printed(print_json, "a \"b\" \\", "\"a \\\"b\\\" \\\\\"");
	check_printed(print_json, "\n\x1b", "\"\\u000a\\u001b\"");
	check_printed(print_json, "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\x9d",
		      "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\x9d\"");
	/* alone, cut short, longer than needed, a surrogate, beyond the last */
	check_printed(print_json, "\x80", "\"\\ufffd\"");
	check_printed(print_json, "\xe2\x82", "\"\\ufffd\\ufffd\"");
	check_printed(print_json, "\xc0\xaf", "\"\\ufffd\\ufffd\"");
	check_printed(print_json, "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	check_printed(print_json, "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void test_numbers(void)
{
	static const char *const bad[] = { "", "x", "1x", "-1", "11", "99999999999999999999" };
	long number;

	CHECK(parse_number("10", 0, 10, &number) && number == 10);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!parse_number(bad[i], 0, 10, &number), "%s", bad[i]);
}

int main(void)
{
	static const struct test tests[] = {
		{ "help and version are printed", test_help, false },
		{ "a wrong command line is a usage error", test_usage, false },
		{ "without root it says what to do", test_without_root, true },
		{ "text from elsewhere is quoted", test_quotes, false },
		{ "text from elsewhere is valid JSON", test_json, false },
		{ "numbers are checked", test_numbers, false },
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
