package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

// takeBackWithin bounds the cleaning up after Ctrl-C.
const takeBackWithin = 30 * time.Second

// errEnough ends a stream that has shown what was asked for.
var errEnough = errors.New("enough")

type runOptions struct {
	*factory
	paths   []string
	attach  []string
	replace bool
	count   int
	during  time.Duration
	output  output.Choice

	writing sync.Mutex // events and entries are printed side by side
}

func newCmdRun(f *factory) *cobra.Command {
	opts := &runOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "run [OBJECT|FILE.bt|FILE.py]",
		Short: "Build, verify, load and watch, until Ctrl-C takes it all back",
		Long: `Build the project, verify its programs, load and attach them, and print their
events and log lines as they come, or what changes in their maps when they send
none. Ctrl-C takes everything back: nothing stays in
the kernel. With an argument that object is taken instead of a build's.

A bpftrace or BCC program is started instead, as root, and what it prints is
printed. It ends by Ctrl-C as at a terminal, or by itself.`,
		Example: `  ebpfdev run
  ebpfdev run --attach count_packets=lo,generic
  ebpfdev run execs.bt --for 10s
  ebpfdev run -o ndjson --count 10 | jq .data.json`,
		Annotations: exits("0 --for or --count was reached", "1 the verifier refused a program", "130 Ctrl-C; everything was taken back"),
		Args:        rangeArgs(0, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.paths = args
			return runRun(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	addAttachFlag(cmd, &opts.attach)
	flags.BoolVar(&opts.replace, "replace", false, "unload what the project has loaded first")
	flags.IntVarP(&opts.count, "count", "n", 0, "end after `N` events")
	flags.DurationVar(&opts.during, "for", 0, "end after this `TIME`, such as 10s")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatNDJSON)
	return cmd
}

func runRun(ctx context.Context, opts *runOptions) error {
	attach, err := parseAttach(opts.attach)
	if err != nil {
		return err
	}
	if opts.count < 0 || opts.during < 0 {
		return api.Errorf("run", "", api.ErrUsage, "--count and --for take what is above 0")
	}
	return opts.withSession(ctx, func(s api.Session) error {
		if !opts.replace && len(opts.paths) == 0 {
			if err := refuseLoaded(ctx, s, "run", s.Info().Project); err != nil {
				return err
			}
		}
		p, err := opts.program(ctx, s, "run", opts.paths, api.BuildRequest{Attach: attach})
		if err != nil {
			return err
		}
		if err := p.refuseFor("run", opts.attach, false); err != nil {
			return err
		}
		if p.process == nil {
			if err := opts.check(ctx, s, p.object); err != nil {
				return err
			}
		}
		project := s.Info().Project
		req := p.request(project, api.LifetimeSession)
		req.Attach, req.Replace = attach, opts.replace
		res, err := s.Load(ctx, req)
		if err != nil {
			return opts.sources(s).inError(err, p.object)
		}
		defer opts.takeBack(ctx, s, project)
		if opts.output.Format == output.FormatTable {
			if err := opts.writeLoaded(res, false, withAttach(append([]string{"ebpfdev", "run"}, opts.paths...), opts.attach)); err != nil {
				return err
			}
		}
		return opts.watch(ctx, s, res.Maps, api.EventsRequest{Project: project, Object: p.object, Logs: !p.compiled})
	})
}

// check shows the verdicts and ends the run when a program was refused.
func (o *runOptions) check(ctx context.Context, s api.Session, obj api.Object) error {
	res, err := s.Verify(ctx, api.VerifyRequest{Object: obj})
	if err != nil {
		return err
	}
	o.sources(s).inReport(res, obj)
	results := []api.VerifyResult{res}
	if allAccepted(results) {
		o.say("verified %d %s on Linux %s", len(res.Programs), plural(len(res.Programs), "program", "programs"), safe.Line(res.Kernel))
		return nil
	}
	if err := o.writeVerdicts(results); err != nil {
		return err
	}
	return exitError(api.ErrRejected.ExitCode())
}

// takeBack unloads, also when the context has ended.
func (o *runOptions) takeBack(ctx context.Context, s api.Session, project string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackWithin)
	defer cancel()
	res, err := s.Unload(ctx, api.UnloadRequest{Project: project})
	if err != nil {
		o.note("taking back: " + err.Error() + "; closing the session takes back the rest")
		return
	}
	o.writeLastWords(res.Output)
	o.say("")
	res.Output = nil
	if err := o.writeUnloaded(res); err != nil {
		o.note(err.Error())
	}
}

// writeLastWords prints what a process said when it was asked to end: with
// bpftrace that is what its maps held.
func (o *runOptions) writeLastWords(lines []api.OutputLine) {
	for _, l := range lines {
		if o.writeEvent(api.Event{Kind: api.EventOutput, Time: l.Time, Text: l.Text, Stderr: l.Stderr}) != nil {
			return // the reader has gone; what was loaded is taken back all the same
		}
	}
}

// watch prints what the programs see: their events or, when they send none, the
// entries of their maps.
func (o *runOptions) watch(ctx context.Context, s api.Session, loaded []api.Map, req api.EventsRequest) error {
	var entries []api.Map
	if o.output.Format == output.FormatTable && req.Object.Name != "" {
		entries = toldByEntries(loaded)
	}
	watching, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	for _, m := range entries {
		group.Go(func() {
			if err := o.showEntries(watching, s, m); err != nil && watching.Err() == nil {
				o.note(err.Error())
			}
		})
	}
	err := o.stream(ctx, s, req)
	stop()
	group.Wait()
	return err
}

// stream prints events until the context ends or there were enough.
func (o *runOptions) stream(ctx context.Context, s api.Session, req api.EventsRequest) error {
	if o.during > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.during, errEnough)
		defer cancel()
	}
	seen := 0
	err := s.StreamEvents(ctx, req, func(e api.Event) error {
		if e.Kind == api.EventReady {
			o.say("watching; Ctrl-C ends it and takes everything back")
		}
		if err := o.writeEvent(e); err != nil {
			return err
		}
		if e.Kind == api.EventRecord || e.Kind == api.EventLog || e.Kind == api.EventOutput {
			seen++
		}
		if o.count > 0 && seen >= o.count {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) || errors.Is(context.Cause(ctx), errEnough) {
		return nil
	}
	return err
}

// writeEvent prints an event: a record or a log line is a result, the rest is
// for the person who watches.
func (o *runOptions) writeEvent(e api.Event) error {
	o.writing.Lock()
	defer o.writing.Unlock()
	if o.output.Format == output.FormatNDJSON {
		if e.Kind == api.EventReady {
			return nil
		}
		return output.JSONLine(o.io.Out, e)
	}
	p := o.out()
	at := p.Paint(output.Dim, e.Time.Format("15:04:05.000"))
	var err error
	switch e.Kind {
	case api.EventRecord:
		_, err = fmt.Fprintf(o.io.Out, "%s  %s  %s\n", at, p.Paint(output.Cyan, safe.Line(e.Map).String()), safe.Line(e.Data.Text))
	case api.EventLog:
		who := fmt.Sprintf("%s[%d]", safe.Line(e.Comm), e.PID)
		_, err = fmt.Fprintf(o.io.Out, "%s  %s  %s\n", at, p.Paint(output.Cyan, who), safe.Line(e.Text))
	case api.EventOutput:
		err = o.writeLine(e.Text, e.Stderr)
	case api.EventLost:
		o.note(lostInWords(e))
	}
	return err
}

func lostInWords(e api.Event) string {
	if e.Map == "" {
		return fmt.Sprintf("%d lines of output were lost", e.Lost)
	}
	return fmt.Sprintf("%d records of %s were lost", e.Lost, e.Map)
}
