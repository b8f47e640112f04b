#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Starts a few harmless programs that allocate memory, once or every second:
# scripts/stimulus.sh [--loop]
set -eu

once() {
	ls -lR /usr/share | sort -k 5 -n | tail -n 3
}

once
while [ "${1:-}" = --loop ]; do
	sleep 1
	once
done
