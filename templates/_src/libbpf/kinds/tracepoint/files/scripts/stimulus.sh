#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Starts a few harmless programs, once or every second: scripts/stimulus.sh [--loop]
set -eu

once() {
	date
	uname -a
	ls -l /usr/share > /dev/null
	id -un
	echo "hello from $$" | tr a-z A-Z
}

once
while [ "${1:-}" = --loop ]; do
	sleep 1
	once
done
