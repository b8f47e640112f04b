// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const usage = `Prints every program that starts on this machine, with its arguments.

Usage: %s [flags]

Stops on Ctrl-C; then the commands that ran most often are shown.

Flags:
`

// run is the program without what belongs to the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(stderr)
	asJSON := flags.Bool("json", false, "print one JSON object per line")
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), usage, os.Args[0])
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return usageError(err)
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "unexpected argument %q\n", flags.Arg(0))
		return errUsage
	}

	tracer, err := NewTracer()
	if err != nil {
		return err
	}
	defer tracer.Close()
	defer context.AfterFunc(ctx, func() { tracer.Stop() })()

	show := table(stdout)
	if *asJSON {
		show = json.NewEncoder(stdout).Encode
	}
	for {
		e, err := tracer.Next(time.Time{})
		if errors.Is(err, os.ErrClosed) {
			return summary(stderr, tracer)
		}
		if err != nil {
			return err
		}
		if err := show(e); err != nil {
			return err
		}
	}
}

// usageError tells a request for help from a mistake.
func usageError(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	return errUsage
}

// table returns a function that prints an Exec as a line. Arguments come from
// any process: they are quoted, so that they cannot control the terminal.
func table(w io.Writer) func(any) error {
	const format = "%-8s  %7v  %7v  %5v  %-15s  %s\n"
	header := fmt.Sprintf(format, "TIME", "PID", "PPID", "UID", "COMM", "ARGS")
	return func(v any) error {
		e := v.(Exec)
		args := make([]string, len(e.Args))
		for i, a := range e.Args {
			args[i] = quote(a)
		}
		if e.Truncated {
			args = append(args, "...")
		}
		_, err := fmt.Fprintf(w, header+format, time.Now().Format(time.TimeOnly),
			e.PID, e.PPID, e.UID, quote(e.Comm), strings.Join(args, " "))
		header = ""
		return err
	}
}

// quote returns a word as it is, and anything else as a Go string.
func quote(s string) string {
	q := strconv.Quote(s)
	if q != `"`+s+`"` || s == "" || strings.Contains(s, " ") {
		return q
	}
	return s
}

// summary prints the ten commands that ran most often, from the map.
func summary(w io.Writer, tracer *Tracer) error {
	counts, err := tracer.Counts()
	if err != nil {
		return err
	}
	slices.SortFunc(counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Execs, a.Execs), cmp.Compare(a.Comm, b.Comm), cmp.Compare(a.UID, b.UID))
	})
	fmt.Fprintf(w, "\n%7s  %5s  %s\n", "EXECS", "UID", "COMM")
	for _, c := range counts[:min(len(counts), 10)] {
		fmt.Fprintf(w, "%7d  %5d  %s\n", c.Execs, c.UID, quote(c.Comm))
	}
	lost, err := tracer.Lost()
	if lost > 0 {
		fmt.Fprintf(w, "%d events were lost\n", lost)
	}
	return err
}
