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

// errEnough ends a stream that has shown what was asked for.
var errEnough = errors.New("enough")

// streamOptions is what commands that print events have in common.
type streamOptions struct {
	*factory
	count  int
	during time.Duration
	output output.Choice
	ready  string // what is said once everything is open

	writing sync.Mutex // events and entries are printed side by side
}

func (o *streamOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().IntVarP(&o.count, "count", "n", 0, "end after `N` events")
	cmd.Flags().DurationVar(&o.during, "for", 0, "end after this `TIME`, such as 10s")
	addOutput(cmd, &o.output, output.FormatTable, output.FormatNDJSON)
}

func (o *streamOptions) checkFlags(op string) error {
	if o.count < 0 || o.during < 0 {
		return api.Errorf(op, "", api.ErrUsage, "--count and --for take what is above 0")
	}
	return nil
}

// stream prints events until the context ends or there were enough.
func (o *streamOptions) stream(ctx context.Context, s api.Session, req api.EventsRequest) error {
	if o.during > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.during, errEnough)
		defer cancel()
	}
	seen := 0
	err := s.StreamEvents(ctx, req, func(e api.Event) error {
		if e.Kind == api.EventReady {
			o.say("%s", o.ready)
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
func (o *streamOptions) writeEvent(e api.Event) error {
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
		if e.Program != "" {
			_, err = fmt.Fprintf(o.io.Out, "%s  %s  %s\n", at, p.Paint(output.Cyan, safe.Line(e.Program).String()), safe.Line(e.Text))
			break
		}
		err = o.writeLine(e.Text, e.Stderr)
	case api.EventLost:
		o.note(lostInWords(e))
	case api.EventWarning:
		o.note(e.Map + ": " + e.Text)
	}
	return err
}

func lostInWords(e api.Event) string {
	if e.Bytes > 0 {
		return fmt.Sprintf("%s of records of %s came faster than they could be read", output.Bytes(int64(e.Bytes)), e.Map)
	}
	if e.Map == "" {
		return fmt.Sprintf("%d lines of output were lost", e.Lost)
	}
	return fmt.Sprintf("%d records of %s were lost", e.Lost, e.Map)
}
