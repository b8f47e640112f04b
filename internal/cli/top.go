package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

type topOptions struct {
	*factory
	list     listOptions
	interval time.Duration
	times    int
	sort     string
	all      bool
	output   output.Choice
}

func newCmdTop(f *factory) *cobra.Command {
	opts := &topOptions{factory: f, list: listOptions{factory: f}}
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Watch how busy programs are",
		Long: `Show how often each loaded program runs, how long a run takes and what share of a
processor that is, again and again until Ctrl-C. The kernel counts while this is
watched and no longer; counting costs each run some 20 ns. Memory is the
program's and that of the maps that it uses.`,
		Example: `  ebpfdev top
  ebpfdev top --sort rate --interval 5s
  ebpfdev top -n 1 -o json`,
		Annotations: exits("0 -n was reached", "130 Ctrl-C"),
		Args:        cobra.NoArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return runTop(cmd.Context(), opts) },
	}
	flags := cmd.Flags()
	flags.DurationVar(&opts.interval, "interval", time.Second, "measure this `TIME`, at least 100ms")
	flags.IntVarP(&opts.times, "count", "n", 0, "end after `N` measurements")
	flags.StringVar(&opts.sort, "sort", "cpu", "sort by `COLUMN`: cpu, rate, average, memory, id")
	flags.BoolVarP(&opts.all, "all", "a", false, "also programs that did not run")
	flags.StringVar(&opts.list.project, "project", "", "only what ebpfdev loaded for project `NAME`")
	flags.BoolVar(&opts.list.mine, "mine", false, "only what ebpfdev loaded for this workspace")
	cmd.MarkFlagsMutuallyExclusive("project", "mine")
	complete(cmd, "sort", topColumns())
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON, output.FormatNDJSON)
	return cmd
}

func topColumns() []string { return []string{"cpu", "rate", "average", "memory", "id"} }

func runTop(ctx context.Context, opts *topOptions) error {
	if !slices.Contains(topColumns(), opts.sort) {
		return api.Errorf("top", opts.sort, api.ErrUsage, "no such column; there are "+strings.Join(topColumns(), ", "))
	}
	if opts.times < 0 {
		return api.Errorf("top", "", api.ErrUsage, "-n takes what is above 0")
	}
	if opts.output.Format == output.FormatJSON && opts.times != 1 {
		return api.Errorf("top", "", api.ErrUsage, "json is one value, of one measurement").WithHint("ebpfdev top -n 1 -o json")
	}
	return opts.withSession(ctx, func(s api.Session) error {
		req := api.MeasureRequest{List: opts.list.request(s), Interval: opts.interval}
		seen := 0
		err := s.MeasurePrograms(ctx, req, func(m api.Measurement) error {
			if err := opts.write(m); err != nil {
				return err
			}
			if seen++; seen == opts.times {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
}

// clearScreen begins a terminal's screen anew.
const clearScreen = "\x1b[H\x1b[2J"

func (o *topOptions) write(m api.Measurement) error {
	slices.SortStableFunc(m.Programs, o.compare)
	switch o.output.Format {
	case output.FormatJSON:
		return output.JSON(o.io.Out, m)
	case output.FormatNDJSON:
		return output.JSONLine(o.io.Out, m)
	}
	t := output.NewTable(output.Column{Title: "ID", Right: true}, output.Column{Title: "TYPE"}, output.Column{Title: "NAME", Flex: true},
		output.Column{Title: "PROJECT", Flex: true, Spare: true}, output.Column{Title: "CPU", Right: true}, output.Column{Title: "RUNS/S", Right: true},
		output.Column{Title: "AVERAGE", Right: true}, output.Column{Title: "MEMORY", Right: true})
	idle := 0
	for _, p := range m.Programs {
		if p.Runs == 0 && !o.all {
			idle++
			continue
		}
		t.Row(p.ID, p.Type, p.Name, p.Project, fmt.Sprintf("%.2f%%", 100*p.CPU), fmt.Sprintf("%.0f", p.PerSec), p.Average.String(), output.Bytes(int64(p.Memory)))
	}
	if o.io.OutTTY() && o.times != 1 {
		if _, err := fmt.Fprint(o.io.Out, clearScreen); err != nil {
			return err
		}
	}
	if err := o.table(t, "No program ran."); err != nil {
		return err
	}
	if idle > 0 {
		o.say("%d %s did not run; --all shows them", idle, plural(idle, "program", "programs"))
	}
	return nil
}

// compare puts the greatest first, ids the other way round.
func (o *topOptions) compare(a, b api.ProgramRate) int {
	switch o.sort {
	case "rate":
		return cmp.Compare(b.PerSec, a.PerSec)
	case "average":
		return cmp.Compare(b.Average, a.Average)
	case "memory":
		return cmp.Compare(b.Memory, a.Memory)
	case "id":
		return cmp.Compare(a.ID, b.ID)
	default:
		return cmp.Compare(b.CPU, a.CPU)
	}
}
