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

once
while [ "${1:-}" = --loop ]; do
	sleep 1
	once
done
