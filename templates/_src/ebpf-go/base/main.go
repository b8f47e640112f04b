// SPDX-License-Identifier: BSD-2-Clause

// The entry point: signals, error output and exit codes. What the program does
// begins at run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/cilium/ebpf"
)

func main() {
	os.Exit(status())
}

// status runs the program and returns its exit code.
func status() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	var rejected *ebpf.VerifierError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2 // the flag package has said why
	case errors.As(err, &rejected):
		fmt.Fprintf(os.Stderr, "error: %+v\n", rejected) // with the verifier's whole log
	case errors.Is(err, os.ErrPermission):
		fmt.Fprintf(os.Stderr, "error: %v\nhint: loading programs needs root: make run\n", err)
	default:
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
	}
	return 1
}

// errUsage is returned by run when the command line makes no sense.
var errUsage = errors.New("usage")
