#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Starts execs.bt, starts a program, and expects to see it. Prints TAP; needs root.
set -u
. scripts/tap.bash

# A program with arguments that no other has.
stimulus() {
	/bin/true "seen by" "test $$"
}

args="/bin/true\\\\x00seen by\\\\x00test $$\\\\x00"
# Process ids are those of the whole machine; another pid namespace has its own.
parent=$$
[ "$(readlink /proc/self/ns/pid)" = 'pid:[4026531836]' ] || parent='[0-9]+'

start execs.bt
check "a program that starts is seen, with its parent and its arguments" \
	sees "^[0-9:]{8} +[0-9]+ +$parent +0 +true +$args\$"
check "Ctrl-C ends it well" ends
check "the program was counted by command and user" saw '^@execs\[true, 0\]: [1-9]'

start -f json execs.bt
check "as JSON, too" sees "^\{\"type\": \"printf\", .*test $$"
check "which Ctrl-C ends well, too" ends
check "and its counts are JSON" saw '^\{"type": "map", .*"true,0": [1-9]'

finish
