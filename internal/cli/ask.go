package cli

import (
	"context"
	"fmt"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

// say writes a line for the person who watches, to standard error. Arguments
// that came from outside must be safe.Text.
func (f *factory) say(format string, args ...any) {
	fmt.Fprintf(f.io.ErrOut, format+"\n", args...)
}

// note says something that a person should not miss.
func (f *factory) note(text string) {
	p := output.Palette(f.io.ErrColor())
	f.say("%s %s", p.Paint(output.Yellow, "note:"), safe.Line(text))
}

// confirm asks before something that cannot be taken back. With --yes it does
// not ask; where nobody can be asked the error says how to go on.
func (f *factory) confirm(ctx context.Context, op, question, command string) error {
	if f.yes {
		return nil
	}
	if !f.io.CanPrompt() {
		return api.Errorf(op, "", api.ErrUntrusted, "it needs a person's consent and there is no terminal to ask at").WithHint(command)
	}
	ok, err := f.asker().Confirm(ctx, question, false)
	if err != nil {
		return err
	}
	if !ok {
		f.say("Nothing was changed.")
		return exitError(1)
	}
	return nil
}
