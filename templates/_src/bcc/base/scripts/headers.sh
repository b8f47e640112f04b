#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Finds headers of the running kernel, links /lib/modules/RELEASE/build and source to
# them, where BCC and module builds look, and says in one line what it found:
#
#   headers.sh               kernel headers: mount /host/usr/src/kernels/6.15.4 (6.15.4)
#   headers.sh --porcelain   the same for programs: source, path and version, with tabs
#
# Sources, the first that has some counts:
#
#   present    they are there already
#   mount      the engine's machine has them, and its /usr is mounted at /host/usr
#   kheaders   the kernel carries them itself: /sys/kernel/kheaders.tar.xz
#   package    the distribution has a package for exactly this kernel
#   nearest    the package in this image that is nearest; structs may differ
#
# Exit status 3: there are none. Outside a container it only looks, for the first and
# the third. For tests, HEADERS_ROOT stands for / and HEADERS_RELEASE for uname -r.
set -u

root=${HEADERS_ROOT:-}
release=${HEADERS_RELEASE:-$(uname -r)}
modules=$root/lib/modules/$release
host=$root/host/usr
porcelain=
[ "${1:-}" != --porcelain ] || porcelain=yes

arch=$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/; s/riscv64/riscv/; s/ppc64.*/powerpc/; s/s390x/s390/')

# may_change: this is a container, or a test.
may_change() {
	[ -n "$root" ] || [ -e /.dockerenv ] || [ -e /run/.containerenv ]
}

# configured DIR: a tree that was configured for some kernel of this architecture.
configured() {
	[ -e "$1/include/generated/autoconf.h" ] && [ -d "$1/arch/$arch/include/generated" ]
}

# whole DIR: a tree with the kernel's own headers.
whole() {
	[ -e "$1/include/linux/kconfig.h" ]
}

# version DIR: the kernel that a configured tree is for.
version() {
	sed -n 's/^#define UTS_RELEASE "\(.*\)".*/\1/p' "$1/include/generated/utsrelease.h" 2> /dev/null
}

# found SOURCE PATH VERSION: says it, and ends.
found() {
	if [ -n "$porcelain" ]; then
		printf '%s\t%s\t%s\n' "$1" "${2#"$root"}" "$3"
	else
		printf 'kernel headers: %s %s (%s)\n' "$1" "${2#"$root"}" "$3"
	fi
	exit 0
}

# follow PATH: where a path of the machine's /usr leads, below the mount of it. Its
# absolute links mean the machine's folders, not ours.
follow() {
	path=$1
	for _ in 1 2 3 4 5 6 7 8; do
		[ -L "$path" ] || break
		link=$(readlink "$path")
		case $link in
		/usr/*) path=$host/${link#/usr/} ;;
		/lib/*) path=$host$link ;;
		/*) return 1 ;;
		*) path=$(dirname "$path")/$link ;;
		esac
	done
	cd "$path" 2> /dev/null && pwd -P
}

# source_of BUILD [LINK]: the tree with the headers themselves. Most distributions have
# one tree for both. Debian has two: "source" beside "build" names the other, and so
# does the Makefile; the names differ in their ends.
source_of() {
	if whole "$1"; then
		echo "$1"
		return
	fi
	above=$(dirname "$1")
	for candidate in ${2:+"$(follow "$2")"} \
		"$above/$(grep -o '[^/ ]*-common' "$1/Makefile" 2> /dev/null | head -n 1)" \
		"${1%-*}-common"; do
		if [ -n "$candidate" ] && whole "$candidate"; then
			echo "$candidate"
			return
		fi
	done
	return 1
}

# use SOURCE BUILD [LINK]: links a tree if it can be used, says so, and ends.
use() {
	configured "$2" || return 1
	tree=$(source_of "$2" "${3:-}") || return 1
	link_to "$2" "$modules/build"
	link_to "$tree" "$modules/source"
	# Debian's trees name each other by where they are on the machine.
	for each in "$2" "$tree"; do
		name=$root/usr/src/$(basename "$each")
		[ -e "$name" ] || link_to "$each" "$name"
	done
	found "$1" "$2" "$(version "$2")"
}

# link_to TARGET NAME: makes a link, or replaces one. What is no link stays.
link_to() {
	[ ! -e "$2" ] || [ -L "$2" ] || return 0
	mkdir -p "$(dirname "$2")" 2> /dev/null && ln -sfn "$1" "$2" 2> /dev/null && return
	echo "error: cannot link $2 to the kernel headers in $1: this needs root" >&2
	echo "hint: repeat it with sudo" >&2
	exit 3
}

# present: something else than a nearest package, which may be all there was before.
present() {
	configured "$modules/build/." || return 1
	whole "$modules/build/." || whole "$modules/source/." || return 1
	built=$(version "$modules/build")
	[ ! -L "$modules/build" ] || [ "$built" = "$release" ] || return 1
	path=$(cd "$modules/build" && pwd -P)
	case $path in
	"$host"/*) found mount "$path" "$built" ;;
	*) found present "$path" "$built" ;;
	esac
}

mounted() {
	may_change || return 1
	for build in "$host/lib/modules/$release/build" "$host/src/linux-headers-$release" \
		"$host/src/kernels/$release"; do
		path=$(follow "$build") && use mount "$path" "$(dirname "$build")/source"
	done
	return 1
}

# kheaders: BCC unpacks them itself, if tar and xz are there, and no other tree is.
kheaders() {
	archive=$root/sys/kernel/kheaders.tar.xz
	if [ ! -e "$archive" ] && may_change && [ -z "$root" ]; then
		for dir in / "$host"; do
			timeout 10 modprobe -q -d "$dir" kheaders 2> /dev/null && break
		done
	fi
	[ -e "$archive" ] || return 1
	if ! command -v tar > /dev/null || ! command -v xz > /dev/null; then
		why_not_kheaders="$archive is there, but tar or xz is not"
		return 1
	fi
	if may_change; then
		for link in "$modules/build" "$modules/source"; do
			[ ! -L "$link" ] || rm -f "$link"
		done
	fi
	found kheaders "$archive" "$release"
}

# package: of this image, or fetched, and unpacked without what it depends on: a compiler
# and a kernel.
package() {
	may_change || return 1
	use package "$root/usr/src/linux-headers-$release"
	[ -z "$root" ] && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || return 1
	# shellcheck source=/dev/null
	case $(. /etc/os-release && echo "$ID"):$release in
	debian:*-amd64 | debian:*-arm64) ;;
	ubuntu:*-generic | ubuntu:*-aws | ubuntu:*-azure | ubuntu:*-gcp | ubuntu:*-lowlatency) ;;
	*) return 1 ;; # not asked: this distribution has no such kernels
	esac
	apt() {
		timeout 60 apt-get -qq -o Acquire::Retries=0 -o Acquire::http::Timeout=5 \
			-o Acquire::https::Timeout=5 -o APT::Sandbox::User=root "$@" > /dev/null 2>&1
	}
	name=linux-headers-$release
	apt-cache show "$name" > /dev/null 2>&1 || apt update
	apt-cache show "$name" > /dev/null 2>&1 || return 1
	work=$(mktemp -d) || return 1
	trap 'rm -rf "$work"' EXIT
	others=$(apt-cache depends "$name" | sed -n 's/^ *Depends: \(linux-[^ ]*headers-[^ ]*\)$/\1/p')
	# shellcheck disable=SC2086 # names of packages
	(cd "$work" && apt download "$name" $others) || return 1
	for deb in "$work"/*.deb; do
		dpkg-deb -x "$deb" / || return 1
	done
	use package "/usr/src/$name"
}

# number VERSION: as a number that tells how near two are.
number() {
	echo "$1" | sed 's/[^0-9.].*//' | {
		IFS=. read -r major minor patch
		echo $((${major:-0} * 1000000 + ${minor:-0} * 1000 + ${patch:-0}))
	}
}

nearest() {
	may_change || return 1
	best=
	want=$(number "$release")
	for build in "$root"/usr/src/linux-headers-* "$root"/usr/src/kernels/*; do
		if ! configured "$build" || ! source_of "$build" > /dev/null; then
			continue
		fi
		far=$(($(number "$(version "$build")") - want))
		far=${far#-}
		if [ -z "$best" ] || [ "$far" -le "$least" ]; then
			best=$build
			least=$far
		fi
	done
	[ -n "$best" ] || return 1
	echo "warning: headers of $(version "$best") for the kernel $release: structs may differ." \
		"Programs at tracepoints and uprobes do not mind" >&2
	use nearest "$best"
}

why_not_kheaders="the kernel has no ${root}/sys/kernel/kheaders.tar.xz"
present || mounted || kheaders || package || nearest

if [ -d "$host/lib" ]; then
	where="the engine's machine has none in /usr/lib/modules/$release/build"
elif may_change; then
	where="the engine's machine shows none: its /usr is not mounted at /host/usr"
else
	where="this machine has none in $modules/build"
fi
echo "error: no headers of the kernel $release: $where, $why_not_kheaders, and no package is at hand" >&2
case $release in
*linuxkit* | *orbstack* | *WSL2*)
	echo "hint: this engine's kernel comes without headers; a project with ebpf-go, libbpf, aya or bpftrace needs none" >&2
	;;
*)
	echo "hint: sudo apt-get install linux-headers-$release (Debian, Ubuntu) or sudo dnf install kernel-devel-$release (Fedora), on the machine whose kernel it is" >&2
	;;
esac
exit 3
