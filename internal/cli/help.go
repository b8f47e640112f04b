package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// exitKey is the annotation that holds a command's own exit codes.
const exitKey = "exit status"

// helpWidth is how wide help may become: what a terminal has at least.
const helpWidth = 80

// exits documents exit codes of a command beyond the ones that all share.
func exits(lines ...string) map[string]string {
	return map[string]string{exitKey: strings.Join(lines, "\n")}
}

// helpText is what --help prints. It is written without text/template, which
// would keep every exported method in the binary.
func helpText(cmd *cobra.Command) string {
	var b strings.Builder
	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}
	b.WriteString(strings.TrimSpace(about) + "\n\nUsage:\n")
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND\n", cmd.CommandPath())
	} else {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.Example != "" {
		b.WriteString("\nExamples:\n" + strings.TrimRight(cmd.Example, "\n") + "\n")
	}
	writeCommands(&b, cmd)
	if cmd.HasAvailableLocalFlags() && cmd.HasParent() {
		b.WriteString("\nFlags:\n" + cmd.LocalFlags().FlagUsagesWrapped(helpWidth))
	}
	writeGlobals(&b, cmd)
	writeExits(&b, cmd)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n\"%s COMMAND --help\" tells more about a command.\n", cmd.CommandPath())
	}
	return b.String()
}

func writeCommands(b *strings.Builder, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	line := func(c *cobra.Command) { fmt.Fprintf(b, "  %-12s%s\n", c.Name(), c.Short) }
	for _, g := range cmd.Groups() {
		b.WriteString("\n" + g.Title + "\n")
		for _, c := range cmd.Commands() {
			if c.GroupID == g.ID && (c.IsAvailableCommand() || c.Name() == "help") {
				line(c)
			}
		}
	}
	if len(cmd.Groups()) == 0 {
		b.WriteString("\nCommands:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				line(c)
			}
		}
	}
}

func writeGlobals(b *strings.Builder, cmd *cobra.Command) {
	flags := cmd.Root().PersistentFlags()
	if cmd.Hidden || !flags.HasAvailableFlags() {
		return
	}
	b.WriteString("\nFlags of every command:\n" + flags.FlagUsagesWrapped(helpWidth))
}

func writeExits(b *strings.Builder, cmd *cobra.Command) {
	b.WriteString("\nExit status:\n")
	if own := cmd.Annotations[exitKey]; own != "" {
		for line := range strings.Lines(own) {
			b.WriteString("  " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	if cmd.HasParent() {
		b.WriteString("  0 done, 1 the work failed, 2 usage, 3 engine or kernel not as needed,\n" +
			"  4 consent needed, 5 conflict, 124 time limit, 128+n signal n\n")
		return
	}
	b.WriteString(`  0    done
  1    the work was tried and failed: a build, a verdict, something not found
  2    the command line makes no sense
  3    the engine, the kernel or the disk is not as needed: see "ebpfdev doctor"
  4    a person's consent is needed
  5    somebody else changed or holds it
  124  a time limit passed
  128+n  signal n ended it (130 for Ctrl-C)
`)
}
