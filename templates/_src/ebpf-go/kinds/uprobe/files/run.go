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
	"text/tabwriter"
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
	path := flags.String("path", "libc.so.6", "the library or program `FILE` that has the function")
	symbol := flags.String("symbol", "malloc", "count the calls of the function `NAME`")
	pid := flags.Int("pid", 0, "count the process `ID` alone")
	interval := flags.Duration("interval", time.Second, "print after each `TIME`")
	top := flags.Int("top", 10, "print the `N` processes that called most often")
	asJSON := flags.Bool("json", false, "print one JSON array per line")
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), usage, os.Args[0])
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return usageError(err)
	}
	if flags.NArg() > 0 || *path == "" || *symbol == "" || *pid < 0 || *interval <= 0 || *top < 1 {
		flags.Usage()
		return errUsage
	}

	counter, err := NewCounter(*pid)
	if err != nil {
		return err
	}
	defer counter.Close()
	if err := counter.Attach(*path, *symbol); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "counting calls of %s in %s, Ctrl-C stops\n", *symbol, *path)

	show := table
	if *asJSON {
		show = func(w io.Writer, list []Usage) error { return json.NewEncoder(w).Encode(list) }
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

// table prints a list for people. A process calls itself what it likes: names
// are quoted where they could control the terminal.
func table(w io.Writer, list []Usage) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "CALLS\tBYTES\tPID\tCOMM")
	for _, u := range list {
		comm := u.Comm
		if quoted := strconv.Quote(comm); strings.Trim(quoted, `"`) != comm {
			comm = quoted
		}
		fmt.Fprintf(tw, "%d\t%d\t%d\t%s\n", u.Calls, u.Bytes, u.PID, comm)
	}
	fmt.Fprintln(tw)
	return tw.Flush()
}
