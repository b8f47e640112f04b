#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Allocates memory many times, in the shell and in a few harmless programs, once or
# every second: scripts/stimulus.sh [--loop]
set -eu

once() {
	i=0
	while [ "$i" -lt 100000 ]; do
		i=$((i + 1)) # a shell allocates for each value
	done
	ls -lR /usr/share/doc > /dev/null
	seq 1000 | tr 0-9 a-j | sort > /dev/null
	echo "counted to $i, listed and sorted"
}

once
while [ "${1:-}" = --loop ]; do
	sleep 1
	once
done
