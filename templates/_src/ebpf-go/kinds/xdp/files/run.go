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
	"text/tabwriter"
	"time"
)

const usage = `Counts the packets that arrive at an interface, by source address.

Usage: %s --interface NAME [flags]

Stops on Ctrl-C.

Flags:
`

// run is the program without what belongs to the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(stderr)
	iface := flags.String("interface", "", "count what arrives at the interface `NAME`")
	mode := flags.String("mode", "auto", "attach `HOW`: auto, native or generic")
	interval := flags.Duration("interval", time.Second, "print after each `TIME`")
	top := flags.Int("top", 10, "print the `N` sources that sent most")
	asJSON := flags.Bool("json", false, "print one JSON array per line")
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), usage, os.Args[0])
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return usageError(err)
	}
	if flags.NArg() > 0 || *iface == "" || *interval <= 0 || *top < 1 {
		flags.Usage()
		return errUsage
	}

	counter, err := NewCounter()
	if err != nil {
		return err
	}
	defer counter.Close()
	if err := counter.Attach(*iface, *mode); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "counting on %s, Ctrl-C stops\n", *iface)

	show := table
	if *asJSON {
		show = func(w io.Writer, list []Traffic) error { return json.NewEncoder(w).Encode(list) }
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

// table prints a list for people.
func table(w io.Writer, list []Traffic) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "SOURCE\tPACKETS\tBYTES")
	for _, t := range list {
		fmt.Fprintf(tw, "%s\t%d\t%d\n", t.Source, t.Packets, t.Bytes)
	}
	fmt.Fprintln(tw)
	return tw.Flush()
}
