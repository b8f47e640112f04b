// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

const usage = `Counts the calls of a library's function, by process.

Usage: %s [flags]

Stops on Ctrl-C.

Flags:
`

// run is the program without what belongs to the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(stderr)
	path := flags.String("path", "libc.so.6", "the `FILE` that has the function: a path, or a library's bare name")
	symbol := flags.String("symbol", "malloc", "count calls of the function `NAME`")
	size := flags.Int("size", 1, "add up the function's argument `N` as bytes: 1 to 4, or 0 for none")
	pid := flags.Int("pid", 0, "only the process `PID`")
	interval := flags.Duration("interval", time.Second, "print after each `TIME`")
	top := flags.Int("top", 10, "print the `N` processes that called most")
	asJSON := flags.Bool("json", false, "print one JSON array per line")
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), usage, os.Args[0])
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return usageError(err)
	}
	if flags.NArg() > 0 || *path == "" || *symbol == "" || *size < 0 || *size > 4 || *pid < 0 || *interval <= 0 || *top < 1 {
		flags.Usage()
		return errUsage
	}

	counter, err := NewCounter(*size)
	if err != nil {
		return err
	}
	defer counter.Close()
	if err := counter.Attach(*path, *symbol, *pid); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "counting %s of %s, Ctrl-C stops\n", *symbol, *path)

	show := table
	if *asJSON {
		show = func(w io.Writer, list []Calls) error { return json.NewEncoder(w).Encode(list) }
	}
	ticker := time.NewTicker(*interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		list, err := counter.Top(*top)
		if err != nil {
			return err
		}
		if err := show(stdout, list); err != nil {
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

// table prints a list for people. What a process calls itself is quoted if need
// be, so that it cannot control the terminal.
func table(w io.Writer, list []Calls) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%7s  %-15s  %9s  %12s\n", "PID", "COMM", "CALLS", "BYTES")
	for _, c := range list {
		fmt.Fprintf(&out, "%7d  %-15s  %9d  %12d\n", c.PID, quote(c.Comm), c.Calls, c.Bytes)
	}
	out.WriteByte('\n')
	_, err := io.WriteString(w, out.String())
	return err
}

// quote returns a word as it is, and anything else as a Go string.
func quote(s string) string {
	q := strconv.Quote(s)
	if q != `"`+s+`"` || s == "" || strings.Contains(s, " ") {
		return q
	}
	return s
}
