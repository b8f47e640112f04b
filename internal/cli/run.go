package cli

import (
	"context"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// takeBackWithin bounds the cleaning up after Ctrl-C.
const takeBackWithin = 30 * time.Second

type runOptions struct {
	streamOptions
	objectFlags
	paths   []string
	replace bool
}

func newCmdRun(f *factory) *cobra.Command {
	opts := &runOptions{streamOptions: streamOptions{factory: f, ready: "watching; Ctrl-C ends it and takes everything back"}}
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
	opts.add(cmd)
	flags.BoolVar(&opts.replace, "replace", false, "take the place of what the project has loaded")
	opts.addFlags(cmd)
	return cmd
}

func runRun(ctx context.Context, opts *runOptions) error {
	var want api.LoadRequest
	if err := opts.request(&want); err != nil {
		return err
	}
	if err := opts.checkFlags("run"); err != nil {
		return err
	}
	return opts.withSession(ctx, func(s api.Session) error {
		if !opts.replace && len(opts.paths) == 0 {
			if err := refuseLoaded(ctx, s, "run", s.Info().Project); err != nil {
				return err
			}
		}
		p, err := opts.program(ctx, s, "run", opts.paths, api.BuildRequest{Attach: want.Attach})
		if err != nil {
			return err
		}
		if err := opts.refuseFor("run", p); err != nil {
			return err
		}
		if p.process == nil {
			if err := opts.check(ctx, s, p.object, want); err != nil {
				return err
			}
		}
		project := s.Info().Project
		req := p.request(project, api.LifetimeSession, want)
		req.Replace = opts.replace
		res, err := s.Load(ctx, req)
		if err != nil {
			return opts.sources(s).inError(err, p.object)
		}
		defer opts.takeBack(ctx, s, project)
		if opts.output.Format == output.FormatTable {
			if err := opts.writeLoaded(res, false, opts.command()); err != nil {
				return err
			}
		}
		return opts.watch(ctx, s, res.Maps, api.EventsRequest{Project: project, Object: p.object, Logs: !p.compiled})
	})
}

// command is the command line that runs the same anew.
func (o *runOptions) command() string {
	return shell.Join(append(append([]string{"ebpfdev", "run"}, o.paths...), o.flags()...)...)
}

// check shows the verdicts and ends the run when a program was refused.
func (o *runOptions) check(ctx context.Context, s api.Session, obj api.Object, want api.LoadRequest) error {
	res, err := s.Verify(ctx, api.VerifyRequest{Object: obj, Set: want.Set, Load: true, Attach: want.Attach})
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
