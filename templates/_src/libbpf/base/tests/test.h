/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small harness. Each test runs in a process of its own, so that one that fails
 * leaves nothing behind: what it loaded and attached goes with it. The output is
 * in the Test Anything Protocol.
 */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct test {
	const char *name;
	void (*run)(void);
	bool needs_root;
};

/* Runs all tests. Returns the exit code. */
int run_tests(const struct test *tests, size_t count);

/* Ends the test with a message unless the condition holds. */
#define CHECK(condition, ...)                                                      \
	do {                                                                       \
		if (!(condition))                                                  \
			fail_test(__FILE__, __LINE__, #condition, "" __VA_ARGS__); \
	} while (0)

void fail_test(const char *file, int line, const char *condition, const char *format, ...)
	__attribute__((format(printf, 4, 5), noreturn));

/* Ends the test without a verdict. */
void skip_test(const char *why) __attribute__((noreturn));

/* Runs a shell command and returns its exit code; what it prints is kept. */
int run_command(const char *command, char *output, size_t size);

/* A shell command that runs beside the test. */
struct child {
	pid_t pid;
	FILE *in, *out;
};

/* Starts a shell command; "exec program" makes the child that program. */
void start_child(struct child *c, const char *command);

/* Tells a child that is a shell to do something, and waits until it is done. */
void tell_child(struct child *c, const char *command);

/*
 * Reads lines until one has the text in it, or fails after some seconds. Returns
 * that line, which the next call overwrites.
 */
const char *read_until(struct child *c, const char *text);

/* Interrupts a child as Ctrl-C would. Returns its exit code, as a shell tells it. */
int interrupt_child(struct child *c);

/*
 * The project's own program with arguments that make sense, as the Makefile gives
 * it in $PROGRAM and $ARGS.
 */
const char *program(void);
const char *program_with_arguments(void);

/*
 * Whether we see process ids as the kernel reports them: not in a container with a
 * pid namespace of its own (without --pid=host).
 */
bool sees_whole_machine(void);

#endif /* TEST_H */
