package devcontainer

import "strings"

// Names of the lifecycle commands, in the order in which they run.
const (
	Initialize    = "initializeCommand" // on the host
	OnCreate      = "onCreateCommand"
	UpdateContent = "updateContentCommand"
	PostCreate    = "postCreateCommand"
	PostStart     = "postStartCommand"
	PostAttach    = "postAttachCommand"
)

// ContainerHooks returns the names of the commands that run in the container,
// in order.
func ContainerHooks() []string {
	return []string{OnCreate, UpdateContent, PostCreate, PostStart, PostAttach}
}

// Command is one command of a hook: a line for /bin/sh -c, or an argv.
type Command struct {
	Name  string // its key in the object form; empty otherwise
	Shell string
	Args  []string
}

// Argv returns what is executed.
func (c Command) Argv() []string {
	if c.Args != nil {
		return c.Args
	}
	return []string{"/bin/sh", "-c", c.Shell}
}

// Empty reports whether there is nothing to execute.
func (c Command) Empty() bool {
	return len(c.Args) == 0 && strings.TrimSpace(c.Shell) == ""
}

// Hook is what one lifecycle property asks for: commands that run in parallel,
// sorted by name. Most have one.
type Hook []Command
