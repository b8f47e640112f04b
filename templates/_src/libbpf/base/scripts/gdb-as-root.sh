#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The debugger that .vscode/launch.json starts: loading programs needs root.
exec sudo gdb "$@"
