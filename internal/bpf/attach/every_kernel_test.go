//go:build kernel

package attach_test

import (
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/attach"
	"github.com/ebpfdev/ebpfdev/internal/bpf/load"
	"github.com/ebpfdev/ebpfdev/internal/bpf/object"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

//go:embed testdata/*.bpf.o testdata/probed
var testdata embed.FS

// loaded is a part of a test object in the kernel.
type loaded struct {
	*load.Object
	attacher *attach.Attacher
	links    []attach.Link
}

// loadPart loads the named programs of an object, or all.
func loadPart(t *testing.T, name string, programs []string, opts ...api.AttachOption) (*loaded, error) {
	t.Helper()
	data, err := testdata.ReadFile("testdata/" + name + ".bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := object.Parse(api.Object{Name: name, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	if len(programs) > 0 {
		all := spec.Programs
		spec.Programs = map[string]*ebpf.ProgramSpec{}
		for _, p := range programs {
			spec.Programs[p] = all[p]
		}
	}
	options, err := attach.NewOptions(spec, opts)
	if err != nil {
		return nil, err
	}
	_, done, err := options.Prepare(spec)
	if err != nil {
		return nil, err
	}
	defer done()
	obj, err := load.Load(t.Context(), spec, btf.NewCache(), nil)
	if err != nil {
		return nil, err
	}
	t.Cleanup(obj.Close)
	return &loaded{Object: obj, attacher: attach.New(obj, options)}, nil
}

// attach attaches everything that is loaded.
func (l *loaded) attach(t *testing.T) error {
	t.Helper()
	for _, name := range l.attacher.Names() {
		links, left, err := l.attacher.Attach(name)
		if err != nil {
			return err
		}
		if left != nil {
			return fmt.Errorf("%s: %s (%s)", name, left.Reason, left.Hint)
		}
		for _, lnk := range links {
			t.Cleanup(func() { _ = lnk.Close() })
		}
		l.links = append(l.links, links...)
	}
	return nil
}

// number reads a global variable of 8 bytes.
func (l *loaded) number(t *testing.T, name string) uint64 {
	t.Helper()
	v := l.Spec.Variables[name]
	if v == nil {
		t.Fatalf("no variable %s", name)
	}
	data, err := l.Maps[v.SectionName].LookupBytes(uint32(0))
	if err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint64(data[v.Offset:])
}

// one case: a program, where it is attached, and what makes it run.
type typeCase struct {
	target, mode string
	provoke      func(t *testing.T, l *loaded)
	typ          link.Type // of the link; 0 for an attachment without one
	count        int       // links; 0 for 1
	words        string    // where the link is, as it is listed
}

// probedFile writes the program that is probed and returns its path.
func probedFile(t *testing.T) string {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("the program to probe is for x86-64")
	}
	data, err := testdata.ReadFile("testdata/probed")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "probed")
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// everyType returns a case for each program of every.bpf.c.
func everyType(t *testing.T) map[string]typeCase {
	probed := probedFile(t)
	run := func(t *testing.T, _ *loaded) { _ = exec.Command(probed).Run() }
	root := "/sys/fs/cgroup"
	return map[string]typeCase{
		"tracepoint":      {provoke: execute, typ: link.PerfEventType},
		"raw_tracepoint":  {provoke: execute, typ: link.RawTracepointType},
		"tp_btf":          {provoke: execute, typ: link.RawTracepointType},
		"kprobe":          {provoke: openFile, typ: link.PerfEventType},
		"kretprobe":       {provoke: openFile, typ: link.PerfEventType},
		"kprobe_multi":    {provoke: openFile, typ: link.KprobeMultiType},
		"kretprobe_multi": {provoke: openFile, typ: link.KprobeMultiType},
		"kprobe_session":  {provoke: openFile, typ: link.KprobeMultiType},
		"ksyscall":        {provoke: unlink, typ: link.PerfEventType},
		"kretsyscall":     {provoke: unlink, typ: link.PerfEventType},
		"fentry":          {provoke: openFile, typ: link.TracingType},
		"fexit":           {provoke: openFile, typ: link.TracingType},
		"fmod_ret":        {provoke: openFile, typ: link.TracingType},
		"lsm":             {provoke: openFile, typ: link.TracingType},

		"uprobe":          {target: probed + ":probed_two", provoke: run, typ: link.PerfEventType},
		"uretprobe":       {target: probed + ":probed_two", provoke: run, typ: link.PerfEventType},
		"uprobe_multi":    {target: probed + ":probed_*", provoke: run, typ: link.UprobeMultiType},
		"uretprobe_multi": {target: probed + ":probed_one", provoke: run, typ: link.UprobeMultiType},
		"uprobe_session":  {target: probed + ":probed_*", provoke: run, typ: link.UprobeMultiType},
		"fsession":        {provoke: openFile, typ: link.TracingType},
		"usdt":            {target: probed + ":probed:call", mode: "cookie=7", provoke: run, typ: link.PerfEventType},
		"perf_event":      {target: "cpu-clock", mode: "freq=99", provoke: burn, typ: link.PerfEventType, count: runtime.NumCPU(), words: "perf event cpu-clock"},
		"iter_task":       {provoke: readLink, typ: link.IterType},
		"iter_map_elem":   {target: "entries", provoke: readLink, typ: link.IterType},

		"xdp":            {target: "lo", mode: "generic", provoke: datagram, typ: link.XDPType},
		"tc_ingress":     {target: "lo", provoke: datagram, typ: link.TCXType},
		"tcx_egress":     {target: "lo", provoke: datagram, typ: link.TCXType},
		"tc":             {target: "lo", mode: "egress", provoke: datagram, typ: link.TCXType},
		"netkit_primary": {target: "nk0", provoke: sendOn("nk0"), typ: link.NetkitType},
		"netkit_peer":    {target: "nk0", provoke: sendOn("nk1"), typ: link.NetkitType},
		"netfilter":      {target: "ip:input", mode: "priority=10", provoke: datagram, typ: link.NetfilterType, words: "netfilter ip:input, priority 10"},
		"sk_lookup":      {target: "self", provoke: datagram, typ: link.NetNsType},
		"flow_dissector": {target: "self", provoke: flow, typ: link.NetNsType},
		"socket_filter":  {target: "lo", provoke: datagram},
		"sk_msg":         {target: "sockets", provoke: talkInMap(false), typ: 14, words: "sk msg verdict on sockets"},
		"sk_skb":         {target: "sockets", provoke: talkInMap(true), typ: 14},

		"cgroup_skb":       {target: root, provoke: datagram, typ: link.CgroupType},
		"cgroup_skb_any":   {target: root, mode: "ingress", provoke: datagram, typ: link.CgroupType},
		"cgroup_sock":      {target: root, provoke: datagram, typ: link.CgroupType},
		"cgroup_sock_addr": {target: root, provoke: datagram, typ: link.CgroupType},
		"cgroup_sysctl":    {target: root, provoke: readSysctl, typ: link.CgroupType},
		"cgroup_sockopt":   {target: root, provoke: talk, typ: link.CgroupType},
		"cgroup_device":    {target: root, provoke: openDevice, typ: link.CgroupType},
		"lsm_cgroup":       {target: root, provoke: datagram, typ: link.CgroupType},
		"sock_ops":         {target: root, provoke: talk, typ: link.CgroupType},
	}
}

// runCase attaches one program, provokes it, and looks whether it has run.
func runCase(t *testing.T, name string, test typeCase) {
	program := "on_" + name
	var opts []api.AttachOption
	if test.target != "" {
		opts = []api.AttachOption{{Program: program, Target: test.target, Mode: test.mode}}
	}
	l, err := loadPart(t, "every", []string{program}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(name, "iter_map") {
		if err := l.Maps["entries"].Put(uint32(1), uint32(1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.attach(t); err != nil {
		t.Fatal(err)
	}
	if want := max(1, test.count); len(l.links) != want {
		t.Errorf("%d links, want %d", len(l.links), want)
	}
	before := l.number(t, name+"_hits")
	test.provoke(t, l)
	if after := l.number(t, name+"_hits"); after <= before {
		t.Errorf("it ran %d times before and %d times after", before, after)
	}
	checkLink(t, program, l.links[0], test.typ)
	if test.words != "" {
		checkListed(t, l.links[0], program, "", test.words)
	}
}

// checkLink pins a link and takes the pin back; one that is none refuses.
func checkLink(t *testing.T, program string, l attach.Link, typ link.Type) {
	t.Helper()
	if typ == 0 {
		if err := attach.Pinnable(program, l); !attach.Stays(l) && !errors.Is(err, api.ErrNotSupported) {
			t.Errorf("an attachment without a link can be pinned: %v", err)
		}
		return
	}
	info, err := l.Info()
	if err != nil || info.Type != typ {
		t.Fatalf("link %+v, %v, want type %d", info, err, typ)
	}
	if err := attach.Pinnable(program, l); err != nil {
		t.Error(err)
	}
	path := filepath.Join(kerneltest.BPFFS, program)
	if err := l.Pin(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Error(err)
	}
}

// TestEveryType attaches one program of each type on kernels that have all of
// them, provokes it and sees in a map that it ran.
func TestEveryType(t *testing.T) {
	for _, version := range []string{"6.12", "7.3"} {
		t.Run(version, func(t *testing.T) {
			if !kerneltest.InGuest(t, version) {
				return
			}
			up(t, "lo")
			netkitPair(t)
			for name, test := range everyType(t) {
				if version != "7.3" && (name == "uprobe_session" || name == "fsession") {
					continue // newer than that
				}
				t.Run(name, func(t *testing.T) { runCase(t, name, test) })
			}
		})
	}
}

// TestClassicTC attaches by clsact, as before Linux 6.6. It runs on this machine's
// kernel: those of the guests have no cls_bpf.
func TestClassicTC(t *testing.T) {
	kerneltest.Require(t)
	up(t, "lo")
	runCase(t, "tc", typeCase{target: "lo", mode: "egress,clsact", provoke: datagram})
	runCase(t, "tc_ingress", typeCase{target: "lo", mode: "clsact", provoke: datagram})
}

// tryCase does what runCase does, and says what came of it: "" when it ran by a
// link, "no link" when it ran without one, or the error's kind.
func tryCase(t *testing.T, name string, test typeCase) string {
	program := "on_" + name
	var opts []api.AttachOption
	if test.target != "" {
		opts = []api.AttachOption{{Program: program, Target: test.target, Mode: test.mode}}
	}
	l, err := loadPart(t, "every", []string{program}, opts...)
	if err == nil {
		err = l.attach(t)
	}
	if err != nil {
		t.Logf("%v (hint: %s)", err, api.HintOf(err))
		return string(api.KindOf(err))
	}
	if strings.HasPrefix(name, "iter_map") {
		if err := l.Maps["entries"].Put(uint32(1), uint32(1)); err != nil {
			t.Fatal(err)
		}
	}
	test.provoke(t, l)
	if l.number(t, name+"_hits") == 0 {
		return "it did not run"
	}
	if attach.Stays(l.links[0]) || attach.Pinnable(program, l.links[0]) != nil {
		return "no link"
	}
	return ""
}

// TestOlderKernels attaches the same on kernels that have not all of it: what they
// lack is refused in words, and where there is another way that is taken.
func TestOlderKernels(t *testing.T) {
	const lacking, linkless = string(api.ErrNotSupported), "no link"
	older := map[string]string{
		"socket_filter": linkless, "sk_msg": linkless, "sk_skb": linkless,
		"tc": lacking, "tc_ingress": lacking, "tcx_egress": lacking, // these kernels have no cls_bpf either
		"netkit_primary": string(api.ErrNotExist), "netkit_peer": string(api.ErrNotExist), "netfilter": lacking,
		"kprobe_multi": lacking, "kretprobe_multi": lacking, "kprobe_session": lacking,
		"uprobe_multi": lacking, "uretprobe_multi": lacking, "uprobe_session": lacking, "fsession": lacking,
	}
	oldest := maps.Clone(older)
	for _, name := range []string{"tracepoint", "kprobe", "kretprobe", "ksyscall", "kretsyscall", "uprobe", "uretprobe", "perf_event"} {
		oldest[name] = linkless
	}
	oldest["usdt"] = string(api.ErrRejected) // it asks for its cookie
	oldest["lsm"], oldest["lsm_cgroup"] = lacking, lacking
	for version, differs := range map[string]map[string]string{"5.10": oldest, "6.1": older} {
		t.Run(version, func(t *testing.T) {
			if !kerneltest.InGuest(t, version) {
				return
			}
			up(t, "lo")
			for name, test := range everyType(t) {
				t.Run(name, func(t *testing.T) {
					if got := tryCase(t, name, test); got != differs[name] {
						t.Errorf("%q, want %q", got, differs[name])
					}
				})
			}
		})
	}
}
