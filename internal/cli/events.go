package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

type eventsOptions struct {
	streamOptions
	maps    []string
	typ     string
	object  string
	consume bool
}

func newCmdEvents(f *factory) *cobra.Command {
	opts := &eventsOptions{streamOptions: streamOptions{factory: f, ready: "watching; Ctrl-C ends it"}}
	cmd := &cobra.Command{
		Use:   "events MAP...",
		Short: "Watch what loaded programs send through their buffers",
		Long: `Print the records that come into ring buffers from now on, of any program on the
machine, as their C type has it. They are read beside the reader that the buffer
has and left to it. One that comes faster than it can be read overtakes: what was
missed is counted in bytes.

--consume takes the records from their reader instead, who misses them: for a
buffer that nobody reads, and for perf event arrays, whose records go to one
reader. What programs drop because a buffer is full, only they can count.

The type is the one that BTF has under the map's name ("events": struct event),
unless --type names another one. The kernel keeps the BTF of the programs that
use a map, with all of their types or not, as their loader chose; the project's
objects and those of --object have all.`,
		Example: `  ebpfdev events events
  ebpfdev events 17 --type "struct exec_event" -o ndjson
  ebpfdev events events --consume --for 10s`,
		Annotations: exits("0 --for or --count was reached", "130 Ctrl-C"),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(cmd, "MAP is missing").WithHint("ebpfdev map list")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.maps = args
			return runEvents(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.typ, "type", "", "show records as this C `TYPE`")
	cmd.Flags().BoolVar(&opts.consume, "consume", false, "take records from the buffer's reader")
	cmd.Flags().StringVar(&opts.object, "object", "", "take types from this object `FILE`")
	opts.addFlags(cmd)
	return cmd
}

func runEvents(ctx context.Context, opts *eventsOptions) error {
	if err := opts.checkFlags("events"); err != nil {
		return err
	}
	return opts.withSession(ctx, func(s api.Session) error {
		req := api.EventsRequest{Consume: opts.consume, Type: opts.typ}
		for _, name := range opts.maps {
			m, err := findMap(ctx, s, name)
			if err != nil {
				return err
			}
			req.Maps = append(req.Maps, api.MapRef{ID: m.ID})
			if req.Object, err = opts.types(ctx, s, m); err != nil {
				return err
			}
			if opts.consume {
				opts.noteReaders(ctx, s, m)
			}
		}
		return opts.stream(ctx, s, req)
	})
}

// types returns the object that declares a map's records: the one that was named,
// or the one of the project's that knows the map.
func (o *eventsOptions) types(ctx context.Context, s api.Session, m api.Map) (api.Object, error) {
	if o.object != "" {
		return readObject(o.object)
	}
	if m.Project == "" || m.Project != s.Info().Project {
		return api.Object{}, nil
	}
	res, err := s.Build(ctx, api.BuildRequest{Dir: s.Info().Dir, For: api.BuildForTypes}, func(api.BuildEvent) error { return nil })
	if err != nil {
		return api.Object{}, ctx.Err() // what the kernel keeps has to do
	}
	for _, obj := range res.Objects {
		if bytes.Contains(obj.Data, []byte("\x00"+m.Name+"\x00")) {
			return obj, nil
		}
	}
	return api.Object{}, nil
}

// noteReaders says who misses what is consumed.
func (o *eventsOptions) noteReaders(ctx context.Context, s api.Session, m api.Map) {
	progs, err := s.ListPrograms(ctx, api.ListRequest{})
	if err != nil {
		return // the stream says more
	}
	var who []string
	for _, p := range progs {
		for _, owner := range p.Owners {
			word := fmt.Sprintf("%s (pid %d)", owner.Comm, owner.PID)
			if slices.Contains(p.MapIDs, m.ID) && !slices.Contains(who, word) {
				who = append(who, word)
			}
		}
	}
	if len(who) > 0 {
		o.note(fmt.Sprintf("what is read of %s is missed by %s", m.Name, strings.Join(who, ", ")))
	}
}
