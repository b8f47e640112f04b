package tui

import (
	"regexp"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// commandLog remembers the command line that does the same as each action, so
// that people who use the TUI learn the CLI.
type commandLog struct {
	items []command
	last  int
	at    cursor
}

type command struct {
	id     int
	at     time.Time
	line   string
	result string // "" while it runs, "ok", or the error
}

const maxCommands = 500

// begin adds a command and returns its number, for end.
func (c *commandLog) begin(at time.Time, line string) int {
	follow := c.at.at >= len(c.items)-1
	c.last++
	c.items = append(c.items, command{id: c.last, at: at, line: line})
	if over := len(c.items) - maxCommands; over > 0 {
		c.items = append(c.items[:0:0], c.items[over:]...)
	}
	if follow {
		c.at.at = len(c.items) - 1
	}
	return c.last
}

func (c *commandLog) end(id int, err error) {
	for i := range c.items {
		if c.items[i].id != id {
			continue
		}
		c.items[i].result = "ok"
		if err != nil {
			c.items[i].result = err.Error()
		}
	}
}

func (c *commandLog) selected() string {
	if c.at.at < len(c.items) {
		return c.items[c.at.at].line
	}
	return ""
}

func (c *commandLog) view(t draw.Theme, w, h int, focused bool) []string {
	if len(c.items) == 0 {
		return t.State(draw.State{
			Title: "No commands yet.", Text: "Each action shows here the command that does the same.", Hint: "b builds",
		}, w, h)
	}
	var lines []string
	for i := c.at.top; i < min(c.at.top+h, len(c.items)); i++ {
		item := c.items[i]
		mark := t.Accent.Render(t.Glyphs.Ellipsis)
		switch item.result {
		case "":
		case "ok":
			mark = t.OK.Render(t.Glyphs.OK)
		default:
			mark = t.Fail.Render(t.Glyphs.Fail)
		}
		line := mark + " " + t.Dim.Render(item.at.Format(time.TimeOnly)) + " " + draw.Clean(item.line)
		lines = append(lines, t.Cursor(line, w, i == c.at.at, focused))
	}
	return lines
}

// cli writes a command line of ebpfdev that a shell takes as it is.
func cli(args ...string) string {
	quoted := make([]string, 0, len(args)+1)
	quoted = append(quoted, "ebpfdev")
	for _, a := range args {
		if a != "" {
			quoted = append(quoted, quote(a))
		}
	}
	return strings.Join(quoted, " ")
}

func quote(arg string) string {
	if regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+-]+$`).MatchString(arg) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// on returns the flags that name where a command works.
func on(target api.TargetName) []string {
	if target == api.TargetAuto {
		return nil
	}
	return []string{"--target", string(target)}
}
