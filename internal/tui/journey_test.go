package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
)

func TestBuildVerifyLoadUnload(t *testing.T) {
	fake := apitest.NewEmptyFake()
	fake.SetBuild([]api.BuildEvent{{Step: "go generate ./..."}, {Line: "warning: unused \x1b[31mvariable"}}, api.BuildResult{
		Framework: "ebpf-go", Objects: []api.Object{apitest.SampleObject()},
	})
	d := drive(t, fake, 100, 30)
	d.see("This project has no map loaded")
	d.press("b")
	d.see("build done")
	d.see(`unused \x1b[31mvariable`)
	d.press("v")
	d.see("1 program accepted")
	d.press("l")
	d.see("attached to tracepoint sched/sched_process_exec")
	d.see("counts")
	if got := fake.Loads()[0]; got.Lifetime != api.LifetimePinned || got.Project != "probe" {
		t.Errorf("loaded %+v", got)
	}
	d.press("l") // again: asks before it replaces
	d.see("its maps lose their entries")
	d.press("enter")
	d.until("the second load", func() bool { return len(fake.Loads()) == 3 && !d.app.task.running() })
	d.press("u")
	d.see("map counts and its entries")
	d.press("esc")
	d.gone("and its entries")
	d.press("u", "enter")
	d.see("This project has no program loaded")
	d.press("@", "+")
	for _, line := range []string{"ebpfdev build", "ebpfdev verify", "ebpfdev load", "ebpfdev load --replace", "ebpfdev unload"} {
		d.see(line)
	}
}

func TestRunReplacesAfterAQuestion(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30)
	d.see("1003")
	d.press("r")
	d.see("A run takes it out first")
	d.press("y")
	d.until("the load", func() bool { return len(d.fake.Loads()) == 1 })
	if got := d.fake.Loads()[0]; got.Lifetime != api.LifetimeSession || !got.Replace {
		t.Errorf("ran %+v", got)
	}
}

func TestEditIsPreviewedAndCompared(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30)
	d.see("1003")
	d.press("3", "j", "j", "j", "e")
	d.see("edit counts")
	d.press("backspace", "backspace", "backspace")
	d.typeIn("0x10")
	d.press("enter")
	d.see("before 334")
	d.see("after  16")
	d.see("$ ebpfdev map set counts 1003 0x10")
	d.fake.SetEntry("counts", "1003", "999") // somebody else is faster
	d.press("enter")
	d.see("The entry changed meanwhile. It was 334.")
	d.see("before 999")
	d.press("enter")
	d.gone("before 999")
	d.until("the new value", func() bool { e, _ := d.app.entries.selected(); return e.Value.Text == "16" })
	d.press("@")
	d.see("ebpfdev map set counts 1003 0x10")
}

func TestAddDeleteAndBadInput(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30)
	d.see("1003")
	d.press("3", "a")
	d.typeIn("77")
	d.press("tab")
	d.typeIn("many")
	d.press("enter")
	d.see("not a number")
	d.press("backspace", "backspace", "backspace", "backspace")
	d.typeIn("7")
	d.press("enter")
	d.see("no such entry")
	d.press("enter")
	d.see("done: ebpfdev map set counts 77 7")
	d.press("/")
	d.typeIn("77")
	d.press("enter")
	d.until("fewer entries", func() bool { return d.app.entries.total() < 20 })
	d.press("G")
	d.until("the new entry", func() bool { e, _ := d.app.entries.selected(); return e.Key.Text == "77" })
	d.press("d")
	d.see("after  deleted")
	d.press("enter")
	d.gone("after  deleted")
	d.until("no entry 77", func() bool { e, _ := d.app.entries.selected(); return e.Key.Text != "77" })
	d.press("esc")
	d.see("1003")
}

func TestFilterOrderAndPages(t *testing.T) {
	fake := apitest.NewFake()
	var many []api.Entry
	for i := range 5000 {
		k, _ := apitest.Datum("__u32", 4, fmt.Sprint(i))
		many = append(many, api.Entry{Key: k, Value: k})
	}
	fake.AddMap(api.Map{ID: 15, Type: "hash", Name: "big", KeySize: 4, ValueSize: 4, MaxEntries: 10000, KeyType: "__u32", ValueType: "__u32", Readable: true, Project: "probe"}, many...)
	d := drive(t, fake, 100, 30)
	d.see("1003")
	d.press("G", "enter")
	d.until("the first entries", func() bool { return d.app.entries.total() == 5000 })
	d.press("G")
	d.until("the last page", func() bool { e, ok := d.app.entries.selected(); return ok && e.Key.Text == "4999" })
	if n := len(d.app.entries.page.Entries); n > 100 {
		t.Errorf("%d entries came for a screen of %d", n, d.app.entries.rows)
	}
	d.press("pgup", "pgup", "pgup", "g")
	d.until("the first page", func() bool { e, ok := d.app.entries.selected(); return ok && e.Key.Text == "0" })
	d.press("s", "s")
	d.until("descending keys", func() bool { e, ok := d.app.entries.selected(); return ok && e.Key.Text == "4999" })
	d.press("/")
	d.typeIn("777")
	d.see("777  ")
	d.until("19 matches", func() bool { return d.app.entries.total() > 0 && d.app.entries.total() < 50 })
	d.press("esc")
	d.until("all", func() bool { return d.app.entries.total() == 5000 })
}

func TestLiveChangesAreMarkedAndTheCursorStays(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30)
	d.see("1003")
	d.press("3", "j")
	d.fake.SetEntry("counts", "1002", "153")
	d.see("+4")
	if e, _ := d.app.entries.selected(); e.Key.Text != "1001" {
		t.Errorf("the cursor went to %s", e.Key.Text)
	}
}

func TestVerifierReport(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30)
	d.fake.SetVerify(rejection())
	d.see("1003")
	d.press("v")
	d.see("handle_exec rejected")
	for _, text := range []string{
		"R0 invalid mem access 'map_value_or_null'", "bpf/probe.bpf.c:88", "f->bytes += len;",
		"the lookup can miss", "if (!f) return 0;", "insn 199", "1 of 2",
	} {
		d.see(text)
	}
	d.press("g")
	d.see("insn 0:")
	d.press("n")
	d.see("other error")
	d.press("esc")
	d.gone("other error")
	d.press("5", "enter")
	d.see("handle_exec rejected")
}

func rejection() api.VerifyResult {
	var log strings.Builder
	for i := range 200 {
		fmt.Fprintf(&log, "insn %d: r0 = *(u64 *)(r6 +0)\n", i)
	}
	return api.VerifyResult{Object: "probe.o", Kernel: "6.18.0", Programs: []api.ProgramReport{
		{
			Program: "handle_exec", Verdict: api.VerdictRejected, Reason: "R0 invalid mem access 'map_value_or_null'", Log: log.String(),
			File: "bpf/probe.bpf.c", Line: 88, Source: "\tf->bytes += len;", Why: "the lookup can miss", Fix: "if (!f) return 0;",
		},
		{Program: "other", Verdict: api.VerdictError, Reason: "unknown program type"},
	}}
}

func TestDisconnectKeepsDataAndReconnects(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30)
	d.see("1003")
	gone := api.Errorf("watch", "counts", api.ErrUnreachable, "the agent went away")
	d.ws.SetErr("Open", gone)
	d.fake.Fail("", gone)
	d.see("reconnecting")
	d.see("1003") // old data stays
	d.press("3", "e")
	d.see("not connected")
	opens := d.ws.Calls("Open")
	d.until("a second try", func() bool { return d.ws.Calls("Open") >= opens+2 })
	d.fake.Fail("", nil)
	d.ws.SetErr("Open", nil)
	d.gone("reconnecting")
	d.fake.SetEntry("counts", "1001", "4321")
	d.see("4321")
}

func TestKilledContainer(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30)
	d.see("1003")
	d.ws.SetStatus(api.Status{Project: "probe", State: "exited", Container: "ebpfdev-probe"})
	gone := api.Errorf("list", "", api.ErrUnreachable, "the target does not answer")
	d.ws.SetErr("Open", gone)
	d.fake.Fail("", gone)
	d.see("The container is exited.")
	d.fake.Fail("", nil)
	d.ws.SetErr("Open", nil)
	d.press("U")
	d.see("1003")
}

func TestToolOutputIsShownOnce(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 40)
	d.see("1003")
	d.fake.SetBuild([]api.BuildEvent{{Line: "x.c:1: expected ';'", Stderr: true}}, api.BuildResult{})
	d.fake.Fail("Build", &api.ToolError{Tool: "clang", ExitCode: 1, Stderr: "x.c:1: expected ';'\nmake: stop"})
	d.press("b")
	d.see("exit status 1: make: stop")
	if n := strings.Count(d.screen(), "expected ';'"); n != 1 {
		t.Errorf("shown %d times\n%s", n, d.screen())
	}
}

func TestAnErrorOfSeveralLines(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 40)
	d.see("1003")
	d.fake.Fail("Build", api.Errorf("check attach points", "a.bpf.c:1", api.ErrNotExist, "this kernel has no tracepoint a/b\n  c.bt:2: it has no function d"))
	d.press("b")
	d.see("  c.bt:2: it has no function d")
	if strings.Contains(d.screen(), `\n`) {
		t.Errorf("a line feed is shown\n%s", d.screen())
	}
}

func TestContainerUpAndDown(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30, func(d *driver, _ *Options) {
		d.ws.SetStatus(api.Status{Folder: "/src/probe", Config: "devcontainer.json", Project: "probe", State: "none", Container: "ebpfdev-probe", Volumes: []string{"probe-bin"}})
	})
	d.see("No container yet.")
	d.press("l")
	d.see("U starts the container")
	d.press("U")
	d.see("1003")
	d.press("D")
	d.see("volume probe-bin")
	d.press("enter")
	d.see("No container yet.")
	d.until("the session's end", func() bool { return d.fake.Calls("Close") > 0 })
}

func TestCancelAndQuit(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30)
	d.see("1003")
	d.fake.Hang("Build", true)
	d.press("b", "b")
	d.see("still running")
	d.press("q")
	d.see("still running")
	d.press("ctrl+c")
	d.see("build cancelled")
	if d.quit {
		t.Fatal("the first ctrl+c quit")
	}
	d.press("j", "ctrl+c")
	d.see("ctrl+c again or q quits")
	d.press("ctrl+c")
	d.until("quit", func() bool { return d.quit })
}

func TestEventsAreStreamedAndBounded(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30)
	d.see("1003")
	d.press("6")
	d.see("No events yet")
	var burst []api.Event
	for i := range 9000 {
		burst = append(burst, api.Event{Kind: api.EventRecord, Map: "events", Data: api.Datum{Text: fmt.Sprintf("{pid: %d}", i)}})
	}
	d.fake.Emit(burst...)
	d.fake.Emit(api.Event{Kind: api.EventLog, Comm: "sh\x1b[2J", PID: 7, Text: "hello"}, api.Event{Kind: api.EventLost, Map: "events", Lost: 12})
	d.see(`sh\x1b[2J-7: hello`)
	d.see("12 records of events were lost")
	if n := len(d.app.events.log.lines); n > d.app.events.log.limit {
		t.Errorf("%d lines are kept", n)
	}
	d.press("g")
	d.see("G follows")
}

func TestWelcomeWizardMakesAndStarts(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30, func(d *driver, o *Options) {
		o.Folder = "/src"
		d.ws.SetErr("Status", api.Errorf("status", "/src", api.ErrNotExist, "no devcontainer.json"))
	})
	d.see("No eBPF project here")
	d.press("n")
	d.see("What is it called?")
	d.see("devcontainer.json")
	d.typeIn("/bad") // takes the proposal's place
	d.see("a name is")
	d.press("enter")
	d.see("What is it called?")
	for range len("/bad") {
		d.press("backspace")
	}
	d.app.Update(tea.PasteMsg{Content: "x"})
	d.press("backspace")
	d.typeIn("my-probe")
	d.gone("a name is")
	d.press("enter")
	d.see("What do you write it in?")
	d.press("enter", "j")
	d.see("Counts packets by protocol")
	d.see("xdp.bpf.c")
	d.press("enter", "space")
	d.see("--cap-add=BPF")
	d.press("enter")
	d.see("--least-privilege --up")
	d.press("esc", "enter")
	d.ws.SetErr("Status", nil)
	d.press("enter")
	d.see("1003")
	made := d.sc.Scaffolded()
	if len(made) != 1 || made[0].Folder != "/src/my-probe" || made[0].Kind != "xdp" || !made[0].Options.LeastPrivilege {
		t.Errorf("made %+v", made)
	}
	if d.ws.Calls("Up") != 1 {
		t.Error("the container was not started")
	}
}

func TestWizardLeavesNothing(t *testing.T) {
	d := drive(t, apitest.NewFake(), 60, 20, func(d *driver, _ *Options) {
		d.ws.SetErr("Status", api.Errorf("status", "", api.ErrNotExist, "no devcontainer.json"))
	})
	d.see("No eBPF project here")
	d.press("n")
	d.see("What is it called?")
	d.press("enter", "ctrl+c")
	d.see("No eBPF project here")
	if len(d.sc.Scaffolded()) != 0 {
		t.Error("something was written")
	}
}

func TestDoctorAndLocal(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30, func(d *driver, _ *Options) {
		d.ws.SetErr("Status", api.Errorf("status", "", api.ErrNotExist, "no devcontainer.json"))
	})
	d.see("No eBPF project here")
	d.press("d")
	d.see("3 checks")
	d.see("mount -t bpf bpf /sys/fs/bpf")
	d.press("esc", "a")
	d.see("1003")
	if got := d.ws.Opened(); len(got) != 1 || got[0].Target != api.TargetLocal {
		t.Errorf("opened %+v", got)
	}
	d.press("U")
	d.see("there is no container to start")
}

// With a guest kernel there is no container, and nothing that outlives it.
func TestGuest(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30, func(d *driver, o *Options) {
		d.ws.SetErr("Status", api.Errorf("status", "", api.ErrNotExist, "no devcontainer.json"))
		o.Target = api.TargetKernel("6.12")
	})
	d.see("kernel 6.12")
	d.see("1003")
	d.press("U")
	d.see("this is a guest with kernel 6.12: there is no container to start")
	d.press("D")
	d.see("there is no container to remove")
	if got := d.app.lifetime(); got != api.LifetimeSession {
		t.Errorf("loads are %s", got)
	}
}

func TestWrongKeysSaySo(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 30)
	d.see("1003")
	d.press("x")
	d.see("no key x here")
	d.press("e")
	d.see("3 goes there")
	d.press("down", "down", "enter", "e") // the ring buffer
	d.see("cannot be changed one by one")
	d.see("6 shows this project's events")
}

func TestAttachTargets(t *testing.T) {
	d := drive(t, apitest.NewEmptyFake(), 100, 30)
	d.see("This project has no map loaded")
	d.press("A")
	d.typeIn("xdp")
	d.press("enter")
	d.see("is not of the form")
	d.typeIn("_main=lo,generic")
	d.press("enter", "l")
	d.until("the load", func() bool { return len(d.fake.Loads()) == 1 })
	want := api.AttachOption{Program: "xdp_main", Target: "lo", Mode: "generic"}
	if got := d.fake.Loads()[0].Attach; len(got) != 1 || got[0] != want {
		t.Errorf("attached %+v", got)
	}
	d.press("@")
	d.see("ebpfdev load --attach xdp_main=lo,generic")
}

func TestFeedCoalescesAndDrops(t *testing.T) {
	f := newFeed[int](10)
	for i := range 100 {
		f.put(i)
	}
	b, ok := f.take(t.Context())
	if !ok || len(b.items) != 10 || b.items[9] != 99 || b.lost != 90 {
		t.Errorf("took %+v", b)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok := f.take(ctx); ok {
		t.Error("a cancelled take gave something")
	}
}

// A project whose programs a process loads is built, started and watched like
// any other; what the process prints is among its events.
func TestProcessLoads(t *testing.T) {
	fake := apitest.NewEmptyFake()
	fake.SetBuild(nil, api.BuildResult{Framework: "bpftrace", Loader: []string{"bpftrace", "execs.bt"}})
	fake.SetLoad(api.LoadResult{
		Programs: []api.Program{{Type: "tracepoint", Name: "sys_enter_opena"}},
		Maps:     []api.Map{{Type: "percpu_hash", Name: "AT_execs", KeySize: 16, ValueSize: 8, Readable: true}},
	})
	d := drive(t, fake, 100, 30)
	d.see("This project has no map loaded")
	d.press("b")
	d.see("build done")
	d.press("l")
	d.see("AT_execs")
	if got := fake.Loads()[0]; got.Process == nil || got.Process.Args[1] != "execs.bt" || got.Process.Dir != "/workspaces/probe" {
		t.Errorf("loaded %+v", got)
	}
	d.until("a stream of events", func() bool { return fake.Streams() == 1 })
	fake.Print("probe", "sh ran \x1b[2J")
	d.press("6")
	d.see(`sh ran \x1b[2J`)
}
