# SPDX-License-Identifier: BSD-2-Clause
# What scripts/test.sh is made of. Sourced; prints TAP. A test defines stimulus, which
# makes something happen that the script sees.

if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP loading programs needs root: make test"
	exit 0
fi

tests=0
failed=0
bpftrace='' # its process id
seen=''     # what it printed
trap '[ -z "$bpftrace" ] || kill "$bpftrace" 2> /dev/null' EXIT

# check DESCRIPTION COMMAND...: one test; if it fails, with the end of what was seen.
check() {
	local about=$1
	shift
	tests=$((tests + 1))
	if "$@"; then
		echo "ok $tests - $about"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $about"
		tail -n 20 <<< "$seen" | sed 's/^/# /'
	fi
}

# start ARGUMENT...: bpftrace, in the background.
start() {
	seen=
	exec 3< <(exec bpftrace "$@" 2>&1)
	bpftrace=$!
}

# sees PATTERN: it prints such a line within 30 seconds. bpftrace says that it is about
# to attach and not when it has, so something happens again and again until then.
sees() {
	local line part='' last=-1 end=$((SECONDS + 30))
	while [ "$SECONDS" -lt "$end" ]; do
		if [ "$SECONDS" != "$last" ]; then
			last=$SECONDS
			stimulus
		fi
		if IFS= read -r -t 0.5 line <&3; then
			line=$part$line
			part=
			seen+=$line$'\n'
			[[ ! $line =~ $1 ]] || return 0
		elif [ $? -gt 128 ]; then # no line yet
			part+=$line
		else
			return 1 # it has ended
		fi
	done
	return 1
}

# ends: Ctrl-C ends it well.
ends() {
	kill -INT "$bpftrace"
	seen+=$(cat <&3)
	wait "$bpftrace"
	local status=$?
	bpftrace=
	[ "$status" = 0 ]
}

# saw PATTERN: such a line was printed.
saw() {
	grep -qE "$1" <<< "$seen"
}

# finish: the plan, and whether all passed.
finish() {
	echo "1..$tests"
	[ "$failed" = 0 ]
}
