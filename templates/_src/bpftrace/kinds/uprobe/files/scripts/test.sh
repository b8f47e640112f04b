#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Starts calls.bt, starts a program that calls malloc, and expects to see it. Prints
# TAP; needs root.
set -u
. scripts/tap.bash

# A program that calls malloc often.
stimulus() {
	ls -lR /usr/share > /dev/null
}

# refused ARGUMENT...: it ends by itself, with an error.
refused() {
	! seen=$(bpftrace "$@" 2>&1)
}

start calls.bt libc malloc
check "calls are counted and shown" sees '^@calls\[[0-9]+, .+\]: [1-9]'
stimulus # it is attached now
check "Ctrl-C ends it well" ends
check "a program that calls malloc was counted" saw '^@calls\[[0-9]+, ls\]: [1-9]'
check "the bytes that it asked for were added up" saw '^@bytes\[[0-9]+, ls\]: [1-9]'

start -f json calls.bt libc malloc
check "as JSON, too" sees '^\{"type": "map", .*"@calls": \{.*"[0-9]+,.+": [1-9]'
check "which Ctrl-C ends well, too" ends

check "a function that is not there is refused" refused --dry-run calls.bt libc no_such_function
check "a library that is not there is refused" refused --dry-run calls.bt no_such_library malloc

finish
