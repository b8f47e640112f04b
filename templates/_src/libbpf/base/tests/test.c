// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 60 /* that a test may take */
#define SKIPPED 77

static int run_test(const struct test *test)
{
	int status;
	pid_t pid;

	if (test->needs_root && geteuid() != 0) {
		printf("# loading programs needs root: make test\n");
		return SKIPPED;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(SECONDS);
		test->run();
		exit(EXIT_SUCCESS);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		printf("# cannot run: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	printf("# ended by %s\n", strsignal(WTERMSIG(status)));
	return EXIT_FAILURE;
}

int run_tests(const struct test *tests, size_t count)
{
	int code = EXIT_SUCCESS;

	printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		switch (run_test(&tests[i])) {
		case EXIT_SUCCESS:
			printf("ok %zu - %s\n", i + 1, tests[i].name);
			break;
		case SKIPPED:
			printf("ok %zu - %s # SKIP\n", i + 1, tests[i].name);
			break;
		default:
			printf("not ok %zu - %s\n", i + 1, tests[i].name);
			code = EXIT_FAILURE;
		}
	}
	return code;
}

void fail_test(const char *file, int line, const char *condition, const char *format, ...)
{
	va_list args;

	printf("# %s:%d: not so: %s", file, line, condition);
	if (*format) {
		printf(": ");
		va_start(args, format);
		vprintf(format, args);
		va_end(args);
	}
	printf("\n");
	exit(EXIT_FAILURE);
}

void skip_test(const char *why)
{
	printf("# %s\n", why);
	exit(SKIPPED);
}

int run_command(const char *command, char *output, size_t size)
{
	FILE *out = popen(command, "r");
	size_t length;
	int status;

	CHECK(out, "%s", command);
	length = fread(output, 1, size - 1, out);
	output[length] = 0;
	status = pclose(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void start_child(struct child *c, const char *command)
{
	int in[2], out[2];

	CHECK(pipe(in) == 0 && pipe(out) == 0);
	fflush(stdout);
	c->pid = fork();
	CHECK(c->pid >= 0);
	if (c->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM); /* it ends with the test */
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	c->in = fdopen(in[1], "w");
	c->out = fdopen(out[0], "r");
	CHECK(c->in && c->out);
}

void tell_child(struct child *c, const char *command)
{
	CHECK(fprintf(c->in, "%s; echo done\n", command) > 0 && fflush(c->in) == 0);
	read_until(c, "done");
}

const char *read_until(struct child *c, const char *text)
{
	static char line[65536];

	alarm(SECONDS);
	while (fgets(line, sizeof(line), c->out))
		if (strstr(line, text))
			return line;
	fail_test(__FILE__, __LINE__, "the child prints it", "%s", text);
}

int interrupt_child(struct child *c)
{
	int status;

	CHECK(kill(c->pid, SIGINT) == 0);
	CHECK(waitpid(c->pid, &status, 0) == c->pid);
	fclose(c->in);
	fclose(c->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *program(void)
{
	const char *path = getenv("PROGRAM");

	CHECK(path, "PROGRAM is not set: make test");
	return path;
}

const char *program_with_arguments(void)
{
	const char *arguments = getenv("ARGS");
	static char command[4096];

	snprintf(command, sizeof(command), "%s %s", program(), arguments ? arguments : "");
	return command;
}

bool sees_whole_machine(void)
{
	char namespace[64] = {};

	CHECK(readlink("/proc/self/ns/pid", namespace, sizeof(namespace) - 1) > 0);
	return strcmp(namespace, "pid:[4026531836]") == 0; /* the first one's number is fixed */
}
