package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/packets"
)

type progRunOptions struct {
	*factory
	in, hex, pcap       string
	context, contextHex string
	out                 string
	repeat              int
	diff                bool
	output              output.Choice
}

func newCmdProgRun(f *factory) *cobra.Command {
	opts := &progRunOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "run ID|NAME [flags]",
		Short: "Run a program with packets or a context of yours",
		Long: `Run a loaded program with an input of yours, whether it is attached or not, and
show what it returns, how long it takes and what it makes of the packet. What it
writes to maps it really writes. The kernel does so for xdp, tc, cgroup_skb,
socket filters and their kin (packets that begin with Ethernet's header), for
raw_tracepoint, syscall and sk_lookup programs (a context: the bytes of its C
struct), and for fentry and fexit.

Times are the kernel's, without the system call; for types that it does not repeat
by itself (raw_tracepoint, syscall, fentry) they are the clock's, with it.`,
		Example: `  ebpfdev prog run count_packets --pcap traffic.pcap
  ebpfdev prog run drop_udp --hex "ffffffffffff 020000000001 0800 4500..." --repeat 1000000
  ebpfdev prog run on_enter --context-hex "0000000000000000 2a00000000000000"`,
		Annotations: exits("0 it ran, whatever it returned"),
		Args:        exactArgs("ID|NAME"),
		RunE:        func(cmd *cobra.Command, args []string) error { return runProgRun(cmd.Context(), opts, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.in, "in", "", "a packet, as the bytes of `FILE` (- for standard input)")
	flags.StringVar(&opts.hex, "hex", "", "a packet, as hexadecimal `BYTES`")
	flags.StringVar(&opts.pcap, "pcap", "", "the packets of a capture, pcap or pcapng `FILE` (- for standard input)")
	flags.StringVar(&opts.context, "context", "", "the context, as the bytes of `FILE`")
	flags.StringVar(&opts.contextHex, "context-hex", "", "the context, as hexadecimal `BYTES`")
	flags.StringVar(&opts.out, "out", "", "write the last packet as it is then to `FILE`")
	flags.IntVar(&opts.repeat, "repeat", 1, "run `N` times with each input")
	flags.BoolVar(&opts.diff, "diff", false, "show which bytes of a packet are different then")
	cmd.MarkFlagsMutuallyExclusive("in", "hex", "pcap")
	cmd.MarkFlagsMutuallyExclusive("context", "context-hex")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON, output.FormatNDJSON)
	return cmd
}

// shownRun is a run with what went into it.
type shownRun struct {
	Packet int    `json:"packet"` // from 1
	Bytes  int    `json:"bytes"`
	Return uint32 `json:"return"`
	Means  string `json:"means,omitempty"` // "XDP_PASS"
	api.ProgramRun
	Changed []string `json:"changed,omitempty"` // "0x1a: 0a 00 -> 0b 00"
}

// inputsAtOnce bounds what one request carries.
const (
	inputsAtOnce = 512
	bytesAtOnce  = 1 << 20
)

func runProgRun(ctx context.Context, opts *progRunOptions, which string) error {
	next, done, err := opts.inputs()
	if err != nil {
		return err
	}
	defer done()
	return opts.withSession(ctx, func(s api.Session) error {
		p, err := findProgram(ctx, s, which)
		if err != nil {
			return err
		}
		w := &runWriter{progRunOptions: opts, program: p}
		for {
			inputs, end := batch(next)
			if len(inputs) > 0 {
				res, err := s.RunProgram(ctx, api.ProgramRunRequest{ProgramID: p.ID, Inputs: inputs, Repeat: opts.repeat})
				if err != nil {
					return err
				}
				if err := w.write(inputs, res.Runs); err != nil {
					return err
				}
			}
			if errors.Is(end, io.EOF) {
				return w.finish()
			}
			if end != nil {
				return api.Errorf("read packets", opts.pcap, api.ErrInvalid, end.Error())
			}
		}
	})
}

// batch takes inputs until there are enough for a request, or no more.
func batch(next func() (api.RunInput, error)) (inputs []api.RunInput, end error) {
	for size := 0; len(inputs) < inputsAtOnce && size < bytesAtOnce; {
		in, err := next()
		if err != nil {
			return inputs, err
		}
		inputs, size = append(inputs, in), size+len(in.Data)
	}
	return inputs, nil
}

// inputs returns what gives one input after the other, io.EOF after the last.
func (o *progRunOptions) inputs() (next func() (api.RunInput, error), done func(), err error) {
	var in api.RunInput
	if in.Context, err = o.bytes("context", o.context, o.contextHex); err != nil {
		return nil, nil, err
	}
	if o.pcap == "" {
		if in.Data, err = o.bytes("packet", o.in, o.hex); err != nil {
			return nil, nil, err
		}
		given := false
		return func() (api.RunInput, error) {
			if given {
				return in, io.EOF
			}
			given = true
			return in, nil
		}, func() {}, nil
	}
	file, done, err := o.open(o.pcap)
	if err != nil {
		return nil, nil, err
	}
	reader, err := packets.NewReader(file)
	if err != nil {
		done()
		return nil, nil, api.Errorf("read packets", o.pcap, api.ErrInvalid, err.Error())
	}
	return func() (api.RunInput, error) {
		in.Data, err = reader.Next()
		return in, err
	}, done, nil
}

func (o *progRunOptions) open(name string) (io.Reader, func(), error) {
	if name == "-" {
		return o.io.In, func() {}, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, api.E("read input", name, api.ErrUsage, errors.Unwrap(err))
	}
	return file, func() { _ = file.Close() }, nil
}

// maxRunInput is as much as the kernel takes.
const maxRunInput = 1 << 20

func (o *progRunOptions) bytes(what, name, hex string) (api.Hex, error) {
	if hex != "" {
		var b api.Hex
		if err := b.UnmarshalText([]byte(strings.NewReplacer(":", "", "\n", "", "\t", "").Replace(hex))); err != nil {
			return nil, api.Errorf("read "+what, hex, api.ErrUsage, "it is not pairs of hexadecimal digits")
		}
		return b, nil
	}
	if name == "" {
		return nil, nil
	}
	r, done, err := o.open(name)
	if err != nil {
		return nil, err
	}
	defer done()
	b, err := io.ReadAll(io.LimitReader(r, maxRunInput+1))
	if err != nil {
		return nil, api.E("read input", name, api.ErrEnvironment, err)
	}
	if len(b) > maxRunInput {
		return nil, api.Errorf("read "+what, name, api.ErrUsage, "it is longer than 1 MiB")
	}
	return b, nil
}

// runWriter prints runs as they come.
type runWriter struct {
	*progRunOptions
	program api.Program
	n       int
	all     []shownRun // for one JSON value
	table   *output.Table
	returns map[string]int
	last    api.ProgramRun
}

func (w *runWriter) write(inputs []api.RunInput, runs []api.ProgramRun) error {
	if w.table == nil {
		w.table = output.NewTable(output.Column{Title: "PACKET", Right: true}, output.Column{Title: "BYTES", Right: true}, output.Column{Title: "RETURNS"},
			output.Column{Title: "TIME", Right: true}, output.Column{Title: "THEN", Flex: true})
		w.returns = map[string]int{}
	}
	for i, run := range runs {
		w.n++
		r := shownRun{Packet: w.n, Bytes: len(inputs[i].Data), Return: run.Return, Means: returnInWords(w.program.Type, run.Return), ProgramRun: run}
		r.Changed = changed(inputs[i].Data, run.Data)
		w.last = run
		switch w.output.Format {
		case output.FormatNDJSON:
			if err := output.JSONLine(w.io.Out, r); err != nil {
				return err
			}
		case output.FormatJSON:
			w.all = append(w.all, r)
		default:
			w.row(r)
		}
	}
	return nil
}

// mostRows is how many packets are listed one by one.
const mostRows = 100

func (w *runWriter) row(r shownRun) {
	returned := strconv.FormatUint(uint64(r.Return), 10)
	if r.Means != "" {
		returned += " " + r.Means
	}
	w.returns[returned]++
	if w.n > mostRows {
		return
	}
	then := "unchanged"
	if len(r.Changed) > 0 {
		then = fmt.Sprintf("%d B, changed in %d places", len(r.Data), len(r.Changed))
		if w.diff {
			then = strings.Join(r.Changed, "; ")
		}
	} else if r.Bytes == 0 {
		then = ""
	}
	w.table.Row(r.Packet, r.Bytes, returned, r.Duration.String(), then)
}

func (w *runWriter) finish() error {
	if w.out != "" {
		if err := os.WriteFile(w.out, w.last.Data, 0o644); err != nil { //nolint:gosec // a result for others to read
			return api.E("write", w.out, api.ErrEnvironment, errors.Unwrap(err))
		}
	}
	switch {
	case w.output.Format == output.FormatJSON:
		if w.all == nil {
			w.all = []shownRun{}
		}
		return output.JSON(w.io.Out, w.all)
	case w.output.Format == output.FormatNDJSON:
		return nil
	case w.n == 0:
		w.say("The capture holds no packets.")
		return nil
	}
	if err := w.factory.table(w.table, ""); err != nil {
		return err
	}
	if w.n > mostRows {
		w.say("%d packets more; -o ndjson lists all", w.n-mostRows)
	}
	if w.n > 1 {
		w.say("%s", counted(w.returns))
	}
	return nil
}
