package tui

import (
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
)

// TestReloadKeepsTheMap checks that the map that is looked at stays the one of
// its name when a new load gives it another id and another place.
func TestReloadKeepsTheMap(t *testing.T) {
	l := mapList{project: true}
	m := func(id uint32, name string) api.Map {
		return api.Map{ID: id, Name: name, Readable: true, Project: "probe"}
	}
	l.fit(10)
	l.set([]api.Map{m(1, ".bss"), m(2, "tasks"), m(3, "counts")}, "probe")
	l.at.at = 2
	l.set([]api.Map{m(7, "counts"), m(8, ".bss"), m(9, "tasks")}, "probe")
	if got, _ := l.selected(); got.ID != 7 {
		t.Errorf("%s is selected", got.Name)
	}
	l.set([]api.Map{m(10, ".bss"), m(11, "tasks")}, "probe")
	if got, _ := l.selected(); got.ID != 11 {
		t.Errorf("%s is selected", got.Name)
	}
}

// TestAFailureGetsTheRoom checks that what a tool said can be read at 80x24.
func TestAFailureGetsTheRoom(t *testing.T) {
	d := drive(t, apitest.NewFake(), 80, 24)
	d.see("1003")
	d.fake.Fail("Build", &api.ToolError{Tool: "make build", ExitCode: 2, Stderr: "first line\nbpf/probe.bpf.c:3:1: error\n1 error generated\nmake: go generate\nmake: *** Error 1\n"})
	d.press("b")
	d.see("exit status 2")
	d.see("bpf/probe.bpf.c:3:1: error")
	if d.app.focus != paneTask {
		t.Errorf("pane %d has the focus", d.app.focus)
	}
	d.press("esc")
	if d.app.focus != paneMaps {
		t.Errorf("pane %d has the focus", d.app.focus)
	}
}

// TestAnUnreachableTargetSaysWhy checks that the whole error can be read.
func TestAnUnreachableTargetSaysWhy(t *testing.T) {
	err := api.Errorf("parse", "/src/probe/.devcontainer/devcontainer.json:12:31", api.ErrUsage, "unexpected end of file after a name")
	d := drive(t, apitest.NewFake(), 60, 20, func(d *driver, _ *Options) {
		d.ws.SetErr("Status", err)
		d.ws.SetErr("Open", err)
	})
	d.see("json:12:31")
	d.see("unexpected end of file")
}
