//go:build kernel

package attach_test

import (
	"errors"
	"os/exec"
	"strconv"
	"testing"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/attach"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

// A static probe's arguments are read with libbpf's header: by the attachment's
// cookie and, before Linux 5.15, by the address.
func TestUSDTArguments(t *testing.T) {
	if !kerneltest.InGuest(t, "6.12") {
		return
	}
	usdtArguments(t)
}

func TestUSDTArgumentsByAddress(t *testing.T) {
	if !kerneltest.InGuest(t, "5.10") {
		return
	}
	usdtArguments(t)
}

func usdtArguments(t *testing.T) {
	probed := probedFile(t)
	l, err := loadPart(t, "usdt", nil, api.AttachOption{Program: "with_args", Target: probed + ":probed:call"})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.attach(t); err != nil {
		t.Fatal(err)
	}
	var ended *exec.ExitError
	// The program exits with what the kernel counted in the probe's semaphore.
	if err := exec.Command(probed).Run(); !errors.As(err, &ended) || ended.ExitCode() != 1 {
		t.Errorf("the program ends with %v, want exit code 1", err)
	}
	for name, want := range map[string]int64{"hits": 1, "count": 3, "first": 41, "second": 1041, "third": -7} {
		if got := int64(l.number(t, name)); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
}

// A program's function is replaced by the program of another object.
func TestFreplace(t *testing.T) {
	if !kerneltest.InGuest(t, "6.12") {
		return
	}
	up(t, "lo")
	base, err := loadPart(t, "replace", nil, api.AttachOption{Program: "replaced_xdp_program", Target: "lo", Mode: "generic"})
	if err != nil {
		t.Fatal(err)
	}
	info, err := base.Programs["replaced_xdp_program"].Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	for _, target := range []string{"replaced_xdp_program", strconv.Itoa(int(id)) + ":replaceable"} {
		l, err := loadPart(t, "extend", nil, api.AttachOption{Program: "on_extension", Target: target})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.attach(t); err != nil {
			t.Fatal(err)
		}
		if len(base.links) == 0 {
			if err := base.attach(t); err != nil {
				t.Fatal(err)
			}
		}
		datagram(t, nil)
		if l.number(t, "extension_hits") == 0 || base.number(t, "replaceable_hits") != 0 {
			t.Errorf("for %s: the new function ran %d times, the old one %d times", target, l.number(t, "extension_hits"), base.number(t, "replaceable_hits"))
		}
		checkLink(t, "on_extension", l.links[0], link.TracingType)
		if err := l.links[0].Close(); err != nil {
			t.Error(err)
		}
	}
	for target, kind := range map[string]api.Kind{"": api.ErrUsage, "none": api.ErrNotExist, "4294967295": api.ErrNotExist} {
		var opts []api.AttachOption
		if target != "" {
			opts = []api.AttachOption{{Program: "on_extension", Target: target}}
		}
		if _, err := loadPart(t, "extend", nil, opts...); !errors.Is(err, kind) || api.HintOf(err) == "" {
			t.Errorf("for %q: %v (hint %q), want %s", target, err, api.HintOf(err), kind)
		}
	}
}

// A TCP congestion control is registered, and used by a connection.
func TestCongestionControl(t *testing.T) {
	if !kerneltest.InGuest(t, "6.12") {
		return
	}
	up(t, "lo")
	l, err := loadPart(t, "structops", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.attach(t); err != nil {
		t.Fatal(err)
	}
	if len(l.links) != 1 {
		t.Fatalf("%d links, want the map's", len(l.links))
	}
	converse(t)
	if l.number(t, "cong_avoid_hits") == 0 {
		t.Error("the congestion control was not asked")
	}
	checkLink(t, "congestion", l.links[0], link.StructOpsType)
	checkListed(t, l.links[0], "", "struct_ops", "struct_ops congestion")

	// Another one of its name takes its place in the link, and gives it back.
	again, err := loadPart(t, "structops", nil)
	if err != nil {
		t.Fatal(err)
	}
	old := &attach.Old{Link: l.links[0], Map: l.Maps["congestion"]}
	again.attacher.Replace(map[string][]*attach.Old{"congestion": {old}})
	if err := again.attach(t); err != nil || again.links[0] != l.links[0] || !old.InPlace {
		t.Fatalf("links %v, in place %v, %v", again.links, old.InPlace, err)
	}
	converse(t)
	if again.number(t, "cong_avoid_hits") == 0 {
		t.Error("the new congestion control was not asked")
	}
	before := l.number(t, "cong_avoid_hits")
	if err := old.Restore(); err != nil {
		t.Fatal(err)
	}
	if converse(t); l.number(t, "cong_avoid_hits") <= before {
		t.Error("the old congestion control was not asked again")
	}
}

// A scheduler of sched_ext schedules.
func TestScheduler(t *testing.T) {
	if !kerneltest.InGuest(t, "6.18") {
		return
	}
	l, err := loadPart(t, "scheduler", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.attach(t); err != nil {
		t.Fatal(err)
	}
	for l.number(t, "running_hits") == 0 && t.Context().Err() == nil {
		execute(t, nil)
	}
	checkLink(t, "scheduler", l.links[0], link.StructOpsType)
}

// converse makes a connection with the congestion control bpf_test, and sends and
// receives over it.
func converse(t *testing.T) {
	t.Helper()
	c, s := connection(t, func(fd int) error {
		return unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "bpf_test")
	})
	if _, err := c.Write(make([]byte, 4096)); err != nil {
		t.Error(err)
	}
	if _, err := s.Read(make([]byte, 4096)); err != nil {
		t.Error(err)
	}
	// The acknowledgement comes with the answer.
	if _, err := s.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
}
