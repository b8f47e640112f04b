#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Pings this machine over the loopback interface from twenty of its own addresses,
# once or every second: scripts/stimulus.sh [--loop]
set -eu

once() {
	for i in $(seq 2 21); do
		ping -q -c 1 -I "127.0.0.$i" 127.0.0.1 > /dev/null
	done
	echo "20 pings sent"
}

command -v ping > /dev/null || { echo "ping is missing; Debian and Ubuntu have it in iputils-ping" >&2; exit 1; }

once
while [ "${1:-}" = --loop ]; do
	sleep 1
	once
done
