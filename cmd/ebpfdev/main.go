// Command ebpfdev takes a person from nothing to a verified, loaded and
// observable eBPF program.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/cli"
	"github.com/ebpfdev/ebpfdev/internal/iostreams"
)

// version is set when a release is linked.
var version = "0.1.0-dev"

// impatience is how long after a signal a second one may be the same one again:
// timeout(1), make and others pass a signal on to a group that got it already.
const impatience = 300 * time.Millisecond

func main() { os.Exit(run(deps)) }

// run gives the command line its streams and its parts, and lets a first signal
// end it in good order; a second one ends the process at once.
func run(deps func(*iostreams.IOStreams) cli.Deps) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// Writes to a closed pipe return an error instead of ending the process, so
	// that what was begun is taken back first.
	signal.Ignore(syscall.SIGPIPE)
	go heed(signals, cancel, os.Exit)

	ios := iostreams.System()
	return cli.Main(ctx, ios, deps(ios), os.Args[1:])
}

// heed cancels at the first signal and exits at the next one.
func heed(signals <-chan os.Signal, cancel context.CancelCauseFunc, exit func(int)) {
	sig := cli.Interrupted{Signal: (<-signals).(syscall.Signal)}
	cancel(sig)
	for first := time.Now(); time.Since(first) < impatience; {
		<-signals
	}
	exit(sig.ExitCode())
}
