package tui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// action is what a key does.
type action string

// place is where a key works. Keys of one place never clash with each other,
// nor with those of the places that are active at the same time.
type place string

const (
	placeMain    place = "anywhere"
	placeMove    place = "moving"
	placeEntries place = "entries of a map"
	placeFilter  place = "filter"
	placeForm    place = "edit"
	placeAttach  place = "where to attach"
	placeReview  place = "preview of an edit"
	placeConfirm place = "question"
	placeHelp    place = "help"
	placeFailure place = "verifier's report"
	placeWelcome place = "welcome"
	placeDoctor  place = "doctor"
)

const (
	actHelp     action = "help"
	actCommands action = "commands"
	actNextPane action = "next pane"
	actPrevPane action = "previous pane"
	actPane     action = "pane"
	actZoom     action = "zoom"
	actBack     action = "back"
	actStop     action = "stop"
	actBuild    action = "build"
	actVerify   action = "verify"
	actLoad     action = "load"
	actUnload   action = "unload"
	actRun      action = "run"
	actUp       action = "up"
	actDown     action = "down"
	actRefresh  action = "refresh"
	actScope    action = "scope"
	actWhere    action = "where to attach"
	actCopy     action = "copy"
	actSuspend  action = "suspend"

	moveUp       action = "move up"
	moveDown     action = "move down"
	moveTop      action = "move top"
	moveBottom   action = "move bottom"
	moveHalfUp   action = "move half up"
	moveHalfDown action = "move half down"
	movePageUp   action = "move page up"
	movePageDown action = "move page down"
	moveIn       action = "open"

	actEdit   action = "edit"
	actAdd    action = "add"
	actDelete action = "delete"
	actFilter action = "filter"
	actOrder  action = "order"

	actAccept action = "accept"
	actCancel action = "cancel"
	actField  action = "next field"
	actForce  action = "force"
	actNext   action = "next"
	actPrev   action = "previous"
	actNew    action = "new"
	actDoctor action = "doctor"
	actAttach action = "attach"
)

// bind is one line of the key table.
type bind struct {
	where place
	do    action
	key.Binding
}

// short is the help up to its first comma, semicolon or colon, for a footer.
func (b bind) short() string {
	s := b.Help().Desc
	if i := strings.IndexAny(s, ",;:"); i > 0 {
		s = s[:i]
	}
	return s
}

// keyTable returns all keys. The help overlay is made from it.
func keyTable() []bind {
	b := func(where place, do action, shown, help string, keys ...string) bind {
		return bind{where, do, key.NewBinding(key.WithKeys(keys...), key.WithHelp(shown, help))}
	}
	return []bind{
		b(placeMain, actBuild, "b", "build the project", "b"),
		b(placeMain, actVerify, "v", "build, then ask the verifier", "v"),
		b(placeMain, actLoad, "l", "build, load and attach, pinned", "l"),
		b(placeMain, actWhere, "A", "attach: say where load attaches what needs a target", "A"),
		b(placeMain, actUnload, "u", "unload what the project has loaded", "u"),
		b(placeMain, actRun, "r", "run: build, verify, load until ebpfdev ends", "r"),
		b(placeMain, actUp, "U", "up: start the dev container", "U"),
		b(placeMain, actDown, "D", "down: remove the dev container", "D"),
		b(placeMain, actNextPane, "tab", "next pane", "tab", "right"),
		b(placeMain, actPrevPane, "shift+tab", "previous pane", "shift+tab", "left"),
		b(placeMain, actPane, "1-6", "programs, maps, entries, inspector, task, events", "1", "2", "3", "4", "5", "6"),
		b(placeMain, actZoom, "+", "zoom the pane, and back", "+", "z"),
		b(placeMain, actScope, "p", "this project's objects, or all of the kernel", "p"),
		b(placeMain, actRefresh, "ctrl+r", "read everything again", "ctrl+r"),
		b(placeMain, actCommands, "@", "the commands that did the same", "@"),
		b(placeMain, actCopy, "y", "copy: send the entry or command to the terminal's clipboard", "y"),
		b(placeMain, actHelp, "?", "this help", "?", "f1"),
		b(placeMain, actBack, "q", "back; from here, quit", "q", "esc"),
		b(placeMain, actSuspend, "ctrl+z", "suspend: fg in the shell comes back", "ctrl+z"),
		b(placeMain, actStop, "ctrl+c", "cancel the running task; twice: quit", "ctrl+c"),

		b(placeMove, moveUp, "k ↑", "up", "k", "up"),
		b(placeMove, moveDown, "j ↓", "down", "j", "down"),
		b(placeMove, moveTop, "g", "first", "g", "home"),
		b(placeMove, moveBottom, "G", "last", "G", "end"),
		b(placeMove, moveHalfDown, "ctrl+d", "half a screen down", "ctrl+d"),
		b(placeMove, moveHalfUp, "ctrl+u", "half a screen up", "ctrl+u"),
		b(placeMove, movePageDown, "pgdn", "a screen down", "pgdown", "ctrl+f"),
		b(placeMove, movePageUp, "pgup", "a screen up", "pgup", "ctrl+b"),
		b(placeMove, moveIn, "enter", "open", "enter"),

		b(placeEntries, actEdit, "e", "edit the entry's value", "e"),
		b(placeEntries, actAdd, "a", "add an entry", "a"),
		b(placeEntries, actDelete, "d", "delete the entry", "d", "delete"),
		b(placeEntries, actFilter, "/", "show entries that hold a text", "/"),
		b(placeEntries, actOrder, "s", "order: the kernel's, by key, by value", "s"),

		b(placeFilter, actAccept, "enter", "keep the filter", "enter"),
		b(placeFilter, actCancel, "esc", "drop the filter", "esc"),

		b(placeForm, actAccept, "enter", "preview", "enter"),
		b(placeForm, actField, "tab", "next field", "tab", "shift+tab", "up", "down"),
		b(placeForm, actCancel, "esc", "cancel", "esc"),

		b(placeAttach, actAccept, "enter", "keep it for the next load", "enter"),
		b(placeAttach, actCancel, "esc", "cancel", "esc"),

		b(placeReview, actAccept, "enter", "apply, if the entry is still what it was", "enter"),
		b(placeReview, actForce, "f", "force: apply whatever the entry is now", "f"),
		b(placeReview, actCancel, "esc", "cancel", "esc", "q", "n"),

		b(placeConfirm, actAccept, "enter", "yes", "enter", "y"),
		b(placeConfirm, actCancel, "esc", "no", "esc", "n", "q"),

		b(placeHelp, moveUp, "↑", "up", "up"),
		b(placeHelp, moveDown, "↓", "down", "down"),
		b(placeHelp, actCancel, "esc", "close; letters search", "esc", "?", "f1"),

		b(placeFailure, actNext, "n", "next program", "n"),
		b(placeFailure, actPrev, "N", "previous program", "N"),
		b(placeFailure, actBuild, "b", "build again", "b"),
		b(placeFailure, actVerify, "v", "verify again", "v"),
		b(placeFailure, actCopy, "y", "copy: send the report to the terminal's clipboard", "y"),
		b(placeFailure, actCancel, "esc", "close", "esc", "q"),

		b(placeWelcome, actNew, "n", "new project", "n"),
		b(placeWelcome, actDoctor, "d", "doctor: what does this machine lack", "d"),
		b(placeWelcome, actAttach, "a", "this machine's kernel, without a container", "a"),
		b(placeWelcome, actHelp, "?", "help", "?", "f1"),
		b(placeWelcome, actBack, "q", "quit", "q", "esc"),

		b(placeDoctor, actRefresh, "r", "check again", "r", "ctrl+r"),
		b(placeDoctor, actBack, "esc", "back", "esc", "q"),
	}
}

// keyMap finds actions by keys.
type keyMap struct{ binds []bind }

func newKeyMap() keyMap { return keyMap{keyTable()} }

// action returns what a key does in the first of the places that knows it.
func (k keyMap) action(msg tea.KeyPressMsg, places ...place) action {
	for _, p := range places {
		for _, b := range k.binds {
			if b.where == p && key.Matches(msg, b.Binding) {
				return b.do
			}
		}
	}
	return ""
}

// hints returns the keys and helps of some actions of a place, for a footer.
func (k keyMap) hints(where place, wanted ...action) []bind {
	var out []bind
	for _, do := range wanted {
		i := slices.IndexFunc(k.binds, func(b bind) bool { return b.where == where && b.do == do })
		if i >= 0 {
			out = append(out, k.binds[i])
		}
	}
	return out
}
