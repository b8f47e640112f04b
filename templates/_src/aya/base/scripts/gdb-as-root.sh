#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What .vscode/launch.json runs for a debugger.
[ "$(id -u)" = 0 ] && exec gdb "$@"
exec sudo --preserve-env gdb "$@"
