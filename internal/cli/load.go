package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

type loadOptions struct {
	*factory
	objectFlags
	paths    []string
	project  string
	noAttach bool
	replace  bool
	output   output.Choice
}

func newCmdLoad(f *factory) *cobra.Command {
	opts := &loadOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "load [OBJECT|FILE.bt|FILE.py]",
		Short: "Load, attach and pin the project's programs",
		Long: `Load every program of an object, attach each where its section name says, and
pin programs, maps and links, so that they stay until "ebpfdev unload". It is all
or nothing. Without an argument the project is built and its object is loaded.

With --replace a program takes the place of the one of its name that is loaded: its
link is updated in place where the kernel can (XDP, tcx, netkit, cgroups, network
namespaces), so that no packet passes without a program. Elsewhere the new one is
attached before the old one is removed. What was which is said.

A bpftrace or BCC program is started instead, as root, and its programs and maps
stay while it runs, which is until "ebpfdev unload". A project of several says
which one it is, or which process of its own loads its programs, by "run", the
words of a command, in customizations.ebpfdev of its devcontainer.json.

A program that needs a target (XDP and TC an interface, cgroup programs a cgroup)
is attached with --attach PROGRAM=TARGET[,MODE], or where the project's
devcontainer.json says so, for "ebpfdev run" too; without either it is loaded only.
docs/attach.md has the table of targets and modes of every type of program.

  "customizations": {
    "ebpfdev": {
      "attach": [{"program": "count_packets", "target": "lo", "mode": "generic"}]
    }
  }`,
		Example: `  ebpfdev load
  ebpfdev load --attach count_packets=veth0,generic
  ebpfdev load --attach sample=cpu-clock,freq=99 --attach 'on_read=/bin/bash:readline,pid=1234'
  ebpfdev load --set target_pid=1234 --map counts=max_entries:65536
  ebpfdev load --replace --reuse-maps
  ebpfdev load bpf/exec_x86_bpfel.o --replace
  ebpfdev load execs.bt`,
		Annotations: exits("1 the verifier refused a program", "5 the project is loaded already: see --replace"),
		Args:        rangeArgs(0, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.paths = args
			return runLoad(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	opts.add(cmd)
	flags.BoolVar(&opts.noAttach, "no-attach", false, "load and pin only")
	flags.BoolVar(&opts.replace, "replace", false, "take the place of what the project has loaded")
	flags.StringVar(&opts.project, "project", "", "load under this `NAME` (default: the workspace's)")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runLoad(ctx context.Context, opts *loadOptions) error {
	var want api.LoadRequest
	if err := opts.request(&want); err != nil {
		return err
	}
	if opts.noAttach && len(want.Attach) > 0 {
		return api.Errorf("load", "", api.ErrUsage, "--attach and --no-attach exclude each other")
	}
	return opts.withSession(ctx, func(s api.Session) error {
		if !opts.replace && len(opts.paths) == 0 {
			if err := refuseLoaded(ctx, s, "load", projectName(opts.project, s)); err != nil {
				return err
			}
		}
		p, err := opts.program(ctx, s, "load", opts.paths, api.BuildRequest{Attach: want.Attach, NoCheck: opts.noAttach})
		if err != nil {
			return err
		}
		if err := opts.refuseFor("load", p); err != nil {
			return err
		}
		if opts.noAttach && p.process != nil {
			return notForProcess("load", "--no-attach", p)
		}
		req := p.request(projectName(opts.project, s), api.LifetimePinned, want)
		req.NoAttach, req.Replace = opts.noAttach, opts.replace
		res, err := s.Load(ctx, req)
		if err != nil {
			return opts.sources(s).inError(err, p.object)
		}
		if opts.output.Format == output.FormatJSON {
			res.Links = append(perfEvents(res), res.Links...)
			return output.JSON(opts.io.Out, res)
		}
		if err := opts.writeLoaded(res, opts.noAttach, opts.command()); err != nil {
			return err
		}
		if res.Process != nil {
			opts.say("Process %d goes on, and prints to %s, until \"ebpfdev unload\".", res.Process.PID, safe.Line(res.Process.Log))
			return nil
		}
		opts.say("Pinned %d %s. \"ebpfdev unload\" takes back what was loaded.", len(res.Pins), plural(len(res.Pins), "object", "objects"))
		return nil
	})
}

// refuseLoaded spares a build whose programs would be refused, because the project
// has some in the kernel. What cannot be told is for the load to say.
func refuseLoaded(ctx context.Context, s api.Session, op, project string) error {
	if project == "" { // it would be any
		return nil
	}
	cause := "the project is loaded already"
	processes, err := s.ListProcesses(ctx, api.ListRequest{Project: project})
	if err != nil {
		return ctx.Err()
	}
	running := slices.IndexFunc(processes, func(p api.RunningProcess) bool { return p.Ended == nil })
	if running >= 0 {
		cause += ", by " + processInWords(processes[running])
	} else if programs, err := s.ListPrograms(ctx, api.ListRequest{Project: project}); err != nil || len(programs) == 0 {
		return ctx.Err()
	}
	return api.Errorf(op, project, api.ErrConflict, cause).WithHint("ebpfdev " + op + " --replace")
}

// command is the command line that loads the same anew.
func (o *loadOptions) command() string {
	words := append([]string{"ebpfdev", "load", "--replace"}, o.paths...)
	if o.project != "" {
		words = append(words, "--project", o.project)
	}
	return shell.Join(append(words, o.flags()...)...)
}

func projectName(name string, s api.Session) string {
	if name != "" {
		return name
	}
	return s.Info().Project
}

// attachedTo returns where programs are attached, by their ids.
func attachedTo(res api.LoadResult) map[uint32]string {
	all := map[uint32][]string{}
	for _, l := range res.Links {
		all[l.ProgramID] = append(all[l.ProgramID], l.Target)
	}
	if res.Process != nil {
		for _, a := range res.Process.Attached {
			all[a.ProgramID] = append(all[a.ProgramID], a.Target)
		}
	}
	for _, a := range res.Attached {
		all[a.ProgramID] = append(all[a.ProgramID], a.Target)
	}
	where := map[uint32]string{}
	for id, targets := range all {
		const most = 3
		targets = slices.Compact(targets) // a perf event is attached on each processor
		if where[id] = strings.Join(targets, ", "); len(targets) > most {
			where[id] = fmt.Sprintf("%s and %d more", strings.Join(targets[:most], ", "), len(targets)-most)
		}
	}
	return where
}

// writeLoaded shows what a load made: each program with where it is attached,
// and the maps. With the flag in a hint the command attaches what is not.
func (f *factory) writeLoaded(res api.LoadResult, noAttach bool, command string) error {
	where := attachedTo(res)
	t := output.NewTable(output.Column{Title: "KIND"}, output.Column{Title: "ID", Right: true}, output.Column{Title: "TYPE"},
		output.Column{Title: "NAME", Flex: true}, output.Column{Title: "ATTACHED TO", Flex: true})
	if p := res.Process; p != nil {
		t.Row("process", p.PID, "", strings.Join(p.Args, " "), "")
	}
	for _, p := range res.Programs {
		target := any(where[p.ID])
		if p.Type == "struct_ops" {
			target = where[0] // its map is attached, and the link has no program
		}
		// Of what a process attaches to timers and counters the kernel does not tell.
		if target == "" && res.Process == nil {
			target = output.Styled{Style: output.Yellow, Value: "not attached"}
		}
		t.Row("program", p.ID, p.Type, p.Name, target)
	}
	for _, m := range res.Maps {
		t.Row("map", m.ID, m.Type, m.Name, "")
	}
	if err := f.table(t, "The object holds no programs and no maps."); err != nil {
		return err
	}
	if noAttach {
		return nil
	}
	for _, r := range res.Replaced {
		f.say("%s", safe.Line(r.Program+": "+replacedInWords(r.How)))
	}
	for _, u := range res.Unattached {
		f.note(fmt.Sprintf("%s is not attached: %s", u.Program, u.Reason))
		if u.Hint != "" {
			f.say("hint: %s", safe.Line(command+" "+u.Hint))
		}
	}
	return nil
}

// replacedInWords says how a program took another's place.
func replacedInWords(how api.ReplacementWay) string {
	switch how {
	case api.ReplacedInPlace:
		return "replaced in place, without a gap"
	case api.ReplacedOverlap:
		return "replaced: the old one was removed after the new one was attached"
	case api.ReplacedAfterGap:
		return "replaced after a gap: the old one had to be removed first"
	default:
		return "the old one was removed; no new one is attached"
	}
}
