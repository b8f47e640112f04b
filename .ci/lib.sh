# Functions that .ci/setup, .ci/engine and .ci/fresh share. Sourced, not run.

# Tools that no distribution package brings live here, for this user alone.
TOOLS=${EBPFDEV_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/ebpfdev/tools}
# Docker Engines that are unpacked beside the distribution's own.
ENGINES=/opt/ebpfdev-engines
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:$ENGINES/trixie/usr/bin:$ENGINES/trixie/usr/sbin
PATH=$TOOLS/npm/node_modules/.bin:$PATH
export PATH

die() {
	echo "$*" >&2
	exit 3
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -- "$@"; fi
}

# at_least A B: version A is B or newer.
at_least() {
	[ -n "$1" ] && [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

codename() { (. /etc/os-release && echo "${VERSION_CODENAME:-}"); }

# debian_mirror prints the first archive URI of the machine's own apt
# configuration.
debian_mirror() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		grep -v -- -security | grep /debian | head -n 1
}

apt_update_once() {
	[ -z "${APT_UPDATED:-}" ] || return 0
	as_root apt-get update -q >&2
	APT_UPDATED=1
}

apt_candidate() {
	apt_update_once
	apt-cache policy "$1" | sed -n 's/^ *Candidate: //p'
}

apt_install() {
	command -v apt-get >/dev/null || die "missing: $*. This machine has no apt-get; install them by hand and run this again."
	apt_update_once
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}

# apt_need COMMAND PACKAGE...: install the packages unless the command is there.
apt_need() {
	local command=$1
	shift
	command -v "$command" >/dev/null || apt_install "$@"
}

# with_suite SUITE COMMAND...: run a command with apt reading one more suite of
# the machine's Debian mirror, through a configuration of its own: the
# machine's is not changed.
with_suite() {
	local suite=$1 dir
	shift
	dir=$(mktemp -d)
	chmod 755 "$dir"
	mkdir -p "$dir/lists/partial" "$dir/parts"
	cp /etc/apt/sources.list "$dir/sources.list" 2>/dev/null || : >"$dir/sources.list"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_mirror) $suite main" >>"$dir/sources.list"
	local source
	for source in /etc/apt/sources.list.d/debian*.sources; do
		[ ! -e "$source" ] || cp "$source" "$dir/parts/"
	done
	printf '%s\n' "Dir::Etc::SourceList \"$dir/sources.list\";" "Dir::Etc::SourceParts \"$dir/parts\";" \
		"Dir::State::Lists \"$dir/lists\";" 'APT::Sandbox::User "root";' >"$dir/apt.conf"
	APT_CONFIG=$dir/apt.conf as_root env APT_CONFIG="$dir/apt.conf" apt-get update -q >&2
	APT_CONFIG=$dir/apt.conf "$@"
	local code=$?
	as_root rm -rf "$dir"
	return $code
}

# apt_install_from SUITE PACKAGE...: inside with_suite.
apt_install_from() {
	local suite=$1
	shift
	as_root env APT_CONFIG="$APT_CONFIG" DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends -t "$suite" "$@" >&2
}

# apt_unpack_from SUITE DIR PACKAGE...: inside with_suite: unpack a suite's
# packages, checked against its signature, into a folder, without installing.
apt_unpack_from() {
	local suite=$1 dir=$2 work
	shift 2
	work=$(mktemp -d)
	(cd "$work" && apt-get -q download "${@/%/\/$suite}" >&2)
	mkdir -p "$dir"
	local deb
	for deb in "$work"/*.deb; do dpkg-deb -x "$deb" "$dir"; done
	rm -rf "$work"
}

# unpack_headers DIR: inside with_suite: trixie's kernel headers, as they lie on a
# Debian machine.
unpack_headers() {
	local release
	release=$(apt-cache depends "linux-headers-$(dpkg --print-architecture)" |
		sed -n 's/^ *Depends: linux-headers-//p' | sort -V | tail -n 1)
	rm -rf "$1.part"
	apt_unpack_from trixie "$1.part" "linux-headers-$release" "linux-headers-${release%-*}-common"
	mv "$1.part" "$1"
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.2
	done
}
