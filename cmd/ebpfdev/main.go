// Command ebpfdev takes a person from nothing to a verified, loaded and
// observable eBPF program.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ebpfdev/ebpfdev/internal/cli"
	"github.com/ebpfdev/ebpfdev/internal/iostreams"
)

// version is set when a release is linked.
var version = "0.1.0-dev"

func main() { os.Exit(run()) }

// run gives the command line its streams and lets a first signal end it in
// good order; a second one ends the process at once.
func run() int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// Writes to a closed pipe return an error instead of ending the process, so
	// that what was begun is taken back first.
	signal.Ignore(syscall.SIGPIPE)
	go func() {
		sig := cli.Interrupted{Signal: (<-signals).(syscall.Signal)}
		cancel(sig)
		<-signals
		os.Exit(sig.ExitCode())
	}()

	ios := iostreams.System()
	return cli.Main(ctx, ios, deps(ios), os.Args[1:])
}
