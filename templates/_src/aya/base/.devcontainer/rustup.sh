#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What other Aya projects ask rustup for: the crate aya-build calls `rustup run nightly
# cargo build`. This container has one compiler, which does what a nightly one may do
# when RUSTC_BOOTSTRAP is set, so that is what they get.
set -eu

if [ "${1:-}" != run ] || [ $# -lt 3 ]; then
	echo "rustup: this container has Debian's Rust and knows \`rustup run TOOLCHAIN COMMAND\` alone" >&2
	exit 2
fi
shift 2
export RUSTC_BOOTSTRAP=1
exec "$@"
