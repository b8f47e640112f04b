#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs a few harmless programs that allocate memory, once or every second:
# scripts/stimulus.sh [--loop]
set -eu

once() {
	ls -lR /usr/share > /dev/null
	sort /etc/services /etc/passwd > /dev/null 2>&1 || true
	date
}

once
while [ "${1:-}" = --loop ]; do
	sleep 1
	once
done
