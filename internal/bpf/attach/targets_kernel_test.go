//go:build kernel

package attach_test

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/attach"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

// TestWrongTargets gives programs no target, or one that is none: the first are left
// alone, the others refused, both in words and with what can be run.
func TestWrongTargets(t *testing.T) {
	if !kerneltest.InGuest(t, "6.12") {
		return
	}
	for name, hint := range map[string]string{
		"uprobe": "/bin/bash:readline", "uprobe_multi": "'/bin/bash:read*'", "usdt": "libc.so.6:libc:setjmp",
		"perf_event": "cpu-clock,freq=99", "iter_map_elem": "entries", "netfilter": "ip:input,priority=10", "sk_lookup": "self",
		"sk_msg": "sockets", "sk_skb": "sockets", "netkit_peer": "nk0", "tc": "lo", "lsm_cgroup": "/sys/fs/cgroup",
		"socket_filter": "lo", "sk_reuseport": "", "syscall": "",
	} {
		l, err := loadPart(t, "every", []string{"on_" + name})
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if hint != "" {
			want = "--attach on_" + name + "=" + hint
		}
		links, left, err := l.attacher.Attach("on_" + name)
		if len(links) > 0 || err != nil || left == nil || left.Reason == "" || left.Hint != want {
			t.Errorf("%s: %d links, unattached %+v, %v, want hint %q", name, len(links), left, err, want)
		}
	}
	probed := probedFile(t)
	for option, want := range map[string]struct {
		kind api.Kind
		text string
	}{
		"perf_event=minute":                      {api.ErrUsage, "is not an event"},
		"perf_event=cpu-clock,freq=x":            {api.ErrUsage, "takes a number"},
		"perf_event=cpu-clock,speed=1":           {api.ErrUsage, `no mode "speed=1"`},
		"netfilter=ip:middle":                    {api.ErrUsage, "is not a hook"},
		"netfilter=ip:input,prio=1":              {api.ErrUsage, "no mode"},
		"sk_lookup=none":                         {api.ErrNotExist, "no network namespace none"},
		"sk_msg=none":                            {api.ErrUsage, "the object has no map none"},
		"sk_msg=entries":                         {api.ErrUsage, "the map entries is of type Hash"},
		"netkit_peer=lo":                         {api.ErrUsage, "not the primary interface"},
		"uprobe=" + probed + ":probed_one,pid=x": {api.ErrUsage, "takes the number of a process"},
		"uprobe=" + probed + ":probed_one,cpu=1": {api.ErrUsage, "no mode"},
		"uprobe=" + probed + ":none":             {api.ErrNotExist, "has no function none"},
		"uprobe_multi=" + probed + ":none*":      {api.ErrNotExist, "has no function none*"},
		"usdt=" + probed + ":probed:none":        {api.ErrNotExist, "has no static probe probed:none; it has 1 others"},
		"kprobe_multi=none_such*":                {api.ErrNotSupported, "no function that can be traced"},
		"kprobe_multi=none_such":                 {api.ErrNotSupported, "cannot trace all of none_such"},
		"cgroup_skb_any=/sys/fs/cgroup,sideways": {api.ErrUsage, "needs a direction"},
		"kprobe=none_such":                       {api.ErrNotSupported, ""},
		"iter_map_elem=none":                     {api.ErrUsage, "the object has no map none"},
	} {
		name, target, _ := strings.Cut(option, "=")
		target, mode, _ := strings.Cut(target, ",")
		l, err := loadPart(t, "every", []string{"on_" + name}, api.AttachOption{Program: "on_" + name, Target: target, Mode: mode})
		if err != nil {
			t.Fatal(err)
		}
		_, left, err := l.attacher.Attach("on_" + name)
		if !errors.Is(err, want.kind) || left != nil || !strings.Contains(err.Error(), want.text) || api.HintOf(err) == "" {
			t.Errorf("%s: unattached %+v, %v (%s, hint %q)", option, left, err, api.KindOf(err), api.HintOf(err))
		}
	}
}

// TestOptional leaves out what nobody asked for.
func TestOptional(t *testing.T) {
	spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{
		"on_optional": {SectionName: "?tp_btf/sched_switch", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "sched_switch"},
	}}
	for _, opts := range [][]api.AttachOption{nil, {{Program: "on_optional", Target: "sched_switch"}}} {
		options, err := attach.NewOptions(spec, opts)
		if err != nil {
			t.Fatal(err)
		}
		part := spec.Copy()
		left, done, err := options.Prepare(part)
		if err != nil {
			t.Fatal(err)
		}
		done()
		if len(part.Programs) != len(opts) || len(left) != 1-len(opts) || len(left) == 1 && left[0].Hint != "--attach on_optional=sched_switch" {
			t.Errorf("with options %v there are %d programs, left out %+v", opts, len(part.Programs), left)
		}
	}
}

// TestOneProcess limits programs to a process: another one's calls do not run them.
func TestOneProcess(t *testing.T) {
	if !kerneltest.InGuest(t, "6.12") {
		return
	}
	probed := probedFile(t)
	self := "pid=" + strconv.Itoa(os.Getpid())
	for _, name := range []string{"uprobe", "uprobe_multi", "usdt"} {
		target := probed + ":probed_one"
		if name == "usdt" {
			target = probed + ":call"
		}
		l, err := loadPart(t, "every", []string{"on_" + name}, api.AttachOption{Program: "on_" + name, Target: target, Mode: self})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.attach(t); err != nil {
			t.Fatal(err)
		}
		_ = exec.Command(probed).Run()
		if n := l.number(t, name+"_hits"); n != 0 {
			t.Errorf("%s ran %d times for another process", name, n)
		}
	}
	l, err := loadPart(t, "every", []string{"on_perf_event"}, api.AttachOption{Program: "on_perf_event", Target: "task-clock", Mode: "period=1000000," + self})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.attach(t); err != nil || len(l.links) != 1 {
		t.Fatalf("%d links, %v", len(l.links), err)
	}
	burn(t, l)
	if l.number(t, "perf_event_hits") == 0 {
		t.Error("the clock of this process did not run the program")
	}
}
