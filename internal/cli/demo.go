package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

const (
	demoProject  = "demo-probe"
	demoTemplate = "ebpf-go"
	demoKind     = "tracepoint"
	demoMap      = "execs" // the map that the template's program counts in
	demoRuns     = 20      // how often the stimulus starts a program of its own
)

type demoOptions struct {
	*factory
	keep bool
}

func newCmdDemo(f *factory) *cobra.Command {
	opts := &demoOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show all of it once, in a temporary folder",
		Example: `  ebpfdev demo
  ebpfdev demo --keep`,
		Long: `Go from nothing to a loaded program once, with a running commentary: check the
machine, scaffold a project in a temporary folder, start its dev container, build,
verify, load and attach in it, start some programs and watch the map fill up, and
take everything back. It succeeds only if the map holds what the attached program
wrote about the programs that the demo itself started.`,
		Annotations: exits("1 the entries were not seen", "130 Ctrl-C; everything was taken back"),
		Args:        cobra.NoArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), opts) },
	}
	cmd.Flags().BoolVar(&opts.keep, "keep", false, "leave the project, its container and the loaded program there")
	return cmd
}

func runDemo(ctx context.Context, opts *demoOptions) error {
	parent, err := os.MkdirTemp("", "ebpfdev-demo-")
	if err != nil {
		return api.E("make a folder for the demo", "", api.ErrEnvironment, err)
	}
	f := *opts.factory
	f.folder = filepath.Join(parent, demoProject)
	f.target = target(api.TargetContainer)
	d := &demo{factory: &f, parent: parent, keep: opts.keep, mark: demoMark(parent)}

	began := time.Now()
	err = d.play(ctx)
	if opts.keep {
		d.goOn()
		return err
	}
	if cerr := d.cleanUp(ctx); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.io.Out, "\n%s in %s. Nothing was left behind.\n",
		d.out().Paint(output.Bold, "From nothing to a map filled by your own program"), output.Seconds(time.Since(began)))
	return err
}

// demo is the state that one step leaves to the next.
type demo struct {
	*factory
	parent string // the temporary folder
	keep   bool
	mark   string // the name of the program that the stimulus starts; nothing else has it

	ws      api.Workspace
	session api.Session
	object  api.Object
	made    bool // the project was written
}

// scene is one step of the story.
type scene struct {
	title   string
	command string // what a person would type
	run     func(context.Context) error
}

func (d *demo) scenes() []scene {
	list := []scene{
		{"Look at this machine", "ebpfdev doctor", d.look},
		{
			"Scaffold a project that traces every program that starts",
			"ebpfdev new " + demoProject + " --template " + demoTemplate + " --kind " + demoKind, d.scaffold,
		},
		{"Start its dev container", "ebpfdev up", d.start},
		{"Build in it", "ebpfdev build", d.compile},
		{"Ask the kernel's verifier", "ebpfdev verify", d.judge},
		{"Load, attach and pin the program", "ebpfdev load", d.attach},
		{"Start some programs and watch the map fill up", "ebpfdev exec -- ... ; ebpfdev map dump " + demoMap, d.watch},
	}
	if d.keep {
		return list
	}
	return append(list,
		scene{"Take the program out of the kernel", "ebpfdev unload", d.takeOut},
		scene{"Remove the container, its volumes and its image", "ebpfdev down --all", d.remove})
}

func (d *demo) play(ctx context.Context) error {
	var err error
	if d.ws, err = d.workspace(); err != nil {
		return err
	}
	scenes := d.scenes()
	for i, sc := range scenes {
		p := d.out()
		fmt.Fprintf(d.io.Out, "\n%s %s\n    %s\n", p.Paint(output.Cyan, fmt.Sprintf("[%d/%d]", i+1, len(scenes))),
			p.Paint(output.Bold, sc.title), p.Paint(output.Dim, "$ "+sc.command))
		began := time.Now()
		if err := sc.run(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		fmt.Fprintln(d.io.Out, p.Paint(output.Dim, "    "+output.Seconds(time.Since(began))))
	}
	return nil
}

// cleanUp removes whatever is left, also after a failure or Ctrl-C.
func (d *demo) cleanUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*takeBackWithin)
	defer cancel()
	var errs []error
	if d.session != nil {
		errs = append(errs, d.session.Close())
	}
	if d.made {
		_, err := d.ws.Down(ctx, api.DownRequest{Folder: d.folder, All: true})
		errs = append(errs, err)
	}
	if err := os.RemoveAll(d.parent); err != nil {
		errs = append(errs, api.E("remove", d.parent, api.ErrEnvironment, err))
	}
	return errors.Join(errs...)
}

// goOn says what was left and how to go on with it.
func (d *demo) goOn() {
	if d.session != nil {
		if err := d.session.Close(); err != nil {
			d.note(err.Error())
		}
	}
	if !d.made {
		_ = os.RemoveAll(d.parent)
		return
	}
	d.say("\nThe project is in %s. Go on with:", line(d.folder))
	d.say("  cd %s", line(shell.Quote(d.folder)))
	d.say("  ebpfdev map dump %s --order -value --limit 10", demoMap)
	d.say("  ebpfdev                                  the full-screen interface")
	d.say("  ebpfdev down --all && rm -r %s", line(shell.Quote(d.parent)))
}
