// SPDX-License-Identifier: BSD-2-Clause
#include <argp.h>

#include "program.h"

const char *argp_program_version = VERSION;

/* The entry point. What the program does begins at run. */
int main(int argc, char **argv)
{
	argp_err_exit_status = 2;
	set_up();
	return run(argc, argv);
}
