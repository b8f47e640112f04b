package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// commandsDoc is the reference that TestCommandsDoc keeps current.
const commandsDoc = "../../docs/commands.md"

// docs/commands.md says what --help says. -update writes it.
func TestCommandsDoc(t *testing.T) {
	h := newHarness(t)
	var b strings.Builder
	b.WriteString(`# Commands

What ` + "`ebpfdev COMMAND --help`" + ` prints, in one place. Written by
` + "`go test ./internal/cli -run TestCommandsDoc -update`" + `; a test fails when it is not current.

`)
	root := newCmdRoot(newFactory(h.io, h.deps))
	writeFence(&b, helpText(root))
	for _, g := range root.Groups() {
		fmt.Fprintf(&b, "\n## %s\n", strings.TrimSuffix(g.Title, ":"))
		for _, cmd := range root.Commands() {
			if cmd.GroupID == g.ID && cmd.IsAvailableCommand() {
				writeCommandDoc(&b, cmd)
			}
		}
	}
	if flag.Lookup("update").Value.String() == "true" { // package golden declares it
		if err := os.WriteFile(commandsDoc, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(commandsDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Error("docs/commands.md is not current: go test ./internal/cli -run TestCommandsDoc -update")
	}
}

// Every command that does something shows how.
func TestCommandsHaveExamples(t *testing.T) {
	h := newHarness(t)
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Runnable() && !cmd.HasSubCommands() && !cmd.Hidden && cmd.Name() != "help" && !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for _, c := range cmd.Commands() {
			if !c.Hidden {
				walk(c)
			}
		}
	}
	walk(newCmdRoot(newFactory(h.io, h.deps)))
}

func writeCommandDoc(b *strings.Builder, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		fmt.Fprintf(b, "\n### %s\n\n", cmd.CommandPath())
		text := helpText(cmd)
		if before, after, found := strings.Cut(text, "\nFlags of every command:\n"); found {
			_, exits, _ := strings.Cut(after, "\nExit status:\n")
			text = before + "\nExit status:\n" + exits
		}
		if before, _, found := strings.Cut(text, "  0 done, 1 the work failed"); found {
			text = strings.TrimSuffix(before, "\nExit status:\n")
		}
		writeFence(b, text)
		return
	}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			writeCommandDoc(b, c)
		}
	}
}

func writeFence(b *strings.Builder, text string) {
	b.WriteString("```text\n" + strings.TrimRight(text, "\n") + "\n```\n")
}
