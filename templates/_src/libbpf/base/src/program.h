/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every program needs: signals, errors, and output that is safe to print.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))

/* The program itself, in run.c. Returns its exit code. */
int run(int argc, char **argv);

/* Set by Ctrl-C and by SIGTERM. */
extern volatile sig_atomic_t stopping;

/* Whether libbpf's own messages are shown. */
extern bool verbose;

/* Catches signals and libbpf's messages, and prints lines as they come. */
void set_up(void);

/* Waits. Returns early when the program is to stop. */
void wait_seconds(double seconds);

/*
 * Prints an error, its cause (an errno, of either sign) and what to do about it.
 * Returns the exit code for it.
 */
int failed(int cause, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Parses a whole number from min to max. */
bool parse_number(const char *text, long min, long max, long *number);

/*
 * Prints text that comes from other processes: a word as it is, anything else in
 * quotes and escaped, so that it cannot control the terminal. Fills up to width.
 */
void print_quoted(FILE *out, const char *text, int width);

/* Prints text as a JSON string. Bytes that are not UTF-8 become U+FFFD. */
void print_json(FILE *out, const char *text);

#endif /* PROGRAM_H */
