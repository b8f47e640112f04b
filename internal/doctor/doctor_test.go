package doctor

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// noEngine stands for a machine on which nothing answers.
func noEngine(context.Context) (engine.Engine, error) {
	return nil, api.Errorf("open engine", "unix:///var/run/docker.sock", api.ErrEnvironment, "no container engine answers").WithHint(fixCommand)
}

func goodKernel(context.Context) (api.Kernel, error) {
	return api.Kernel{
		Release: "6.12.1", Machine: "x86_64", BTF: true, BTFBytes: 1, JIT: "on", Lockdown: "none", Memlock: "8388608",
		BPFFS: api.Mount{Path: "/sys/fs/bpf"}, TraceFS: api.Mount{Path: "/sys/kernel/tracing", Mounted: true}, Cgroup2: api.Mount{Path: "/sys/fs/cgroup", Mounted: true},
	}, nil
}

func diagnose(t *testing.T, d *Doctor, folder string) map[string]api.Check {
	t.Helper()
	checks := map[string]api.Check{}
	err := d.Diagnose(t.Context(), api.DoctorRequest{Folder: folder}, func(c api.Check) error {
		if _, twice := checks[c.ID]; twice && c.ID != idBaseImage {
			t.Errorf("%s comes twice", c.ID)
		}
		if c.Title == "" || c.Found == "" || c.Why == "" || (c.State == api.CheckOK) != (c.Fix == "") {
			t.Errorf("incomplete: %+v", c)
		}
		checks[c.ID] = c
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return checks
}

// onDebian gives a doctor a machine of which nothing is installed.
func onDebian(d *Doctor, root bool, programs ...string) *Doctor {
	d.machine = machine{id: "debian", codename: "trixie", root: root, apt: true, path: func(name string) bool { return slices.Contains(programs, name) }}
	return d
}

func TestDiagnoseWithoutAnEngine(t *testing.T) {
	d := onDebian(New(Options{Engine: noEngine, Probe: goodKernel}), true)
	checks := diagnose(t, d, t.TempDir())
	for id, state := range map[string]api.CheckState{
		"kernel": api.CheckOK, "engine": api.CheckFail, "base-image": api.CheckFail, "kernel-btf": api.CheckOK,
		"jit": api.CheckOK, "lockdown": api.CheckOK, "memlock": api.CheckOK, "bpffs": api.CheckWarn, "tracefs": api.CheckOK, "cgroup2": api.CheckOK,
	} {
		if checks[id].State != state {
			t.Errorf("%s: %+v", id, checks[id])
		}
	}
	if _, there := checks["disk-project"]; !there {
		t.Error("the project's disk was not looked at")
	}
}

func TestDiagnoseInsideAContainer(t *testing.T) {
	d := New(Options{Engine: noEngine, Probe: func(ctx context.Context) (api.Kernel, error) {
		k, err := goodKernel(ctx)
		k.Container = true
		return k, err
	}})
	checks := diagnose(t, d, "")
	if checks["engine"].State != api.CheckOK {
		t.Errorf("%+v", checks["engine"])
	}
	if c, there := checks["base-image"]; there {
		t.Errorf("%+v", c)
	}
}

func TestDiagnoseStopsWithTheCallback(t *testing.T) {
	stop := errors.New("enough")
	err := New(Options{Engine: noEngine, Probe: goodKernel}).Diagnose(t.Context(), api.DoctorRequest{}, func(api.Check) error { return stop })
	if err != stop { //nolint:errorlint // it must be this very error
		t.Errorf("error %v", err)
	}
}

func TestKernelChecks(t *testing.T) {
	tests := []struct {
		name  string
		check api.Check
		want  api.CheckState
	}{
		{"no BTF", checkBTF(api.Kernel{}), api.CheckFail},
		{"JIT off", checkJIT(api.Kernel{JIT: "off"}), api.CheckWarn},
		{"JIT not known", checkJIT(api.Kernel{Unknown: []api.UnknownFact{{Name: "jit", Why: "x"}}}), api.CheckWarn},
		{"integrity", checkLockdown(api.Kernel{Lockdown: "integrity"}), api.CheckOK},
		{"confidentiality", checkLockdown(api.Kernel{Lockdown: "confidentiality"}), api.CheckWarn},
		{"memlock before 5.11", checkMemlock(api.Kernel{Release: "5.10.0-33-amd64", Memlock: "65536"}), api.CheckWarn},
		{"no limit before 5.11", checkMemlock(api.Kernel{Release: "5.10.0", Memlock: "unlimited"}), api.CheckOK},
		{"memlock since 5.11", checkMemlock(api.Kernel{Release: "5.11", Memlock: "65536"}), api.CheckOK},
		{"all capabilities", capabilityCheck(nil), api.CheckOK},
		{"without CAP_SYS_RESOURCE", capabilityCheck([]string{"CAP_SYS_RESOURCE"}), api.CheckWarn},
		{"without CAP_SYS_ADMIN", capabilityCheck([]string{"CAP_SYS_ADMIN", "CAP_BPF"}), api.CheckFail},
		{"without one that BPF never asks for", capabilityCheck([]string{"CAP_SYS_BOOT"}), api.CheckWarn},
	}
	for _, tt := range tests {
		if tt.check.State != tt.want {
			t.Errorf("%s: %+v", tt.name, tt.check)
		}
	}
}

// A person without capabilities is told so where programs are loaded by this
// very process, and only there: a container has its own.
func TestPermissionToLoad(t *testing.T) {
	const all = "CAP_SYS_ADMIN"
	tests := []struct {
		name      string
		caps      []string
		container bool
		target    api.TargetName
		want      api.CheckState // empty: no such check
		fix       string
	}{
		{"a user here", nil, false, api.TargetLocal, api.CheckFail, "sudo ebpfdev run --target local"},
		{"a user in the container", nil, true, "", api.CheckFail, "sudo ebpfdev run"},
		{"a user whose container loads", nil, false, "", "", ""},
		{"root here", []string{all}, false, api.TargetLocal, api.CheckOK, ""},
		{"root in the container", []string{all}, true, "", api.CheckOK, ""},
		{"least privilege", []string{"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"}, true, "", api.CheckOK, ""},
		{"without tracing", []string{"CAP_BPF", "CAP_NET_ADMIN"}, true, "", api.CheckWarn, "sudo ebpfdev run"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := New(Options{Engine: noEngine, Probe: func(ctx context.Context) (api.Kernel, error) {
				k, err := goodKernel(ctx)
				k.Caps, k.Container = tt.caps, tt.container
				return k, err
			}})
			var got api.Check
			err := d.Diagnose(t.Context(), api.DoctorRequest{Target: tt.target}, func(c api.Check) error {
				if c.ID == "permission" {
					got = c
				}
				return nil
			})
			if err != nil || got.State != tt.want || got.Fix != tt.fix {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	for release, want := range map[string][2]int{"6.18.44-fc-v595": {6, 18}, "5.10": {5, 10}, "4.19-rc1": {4, 19}, "5.15.0+": {5, 15}, "": {0, 0}, "x": {0, 0}} {
		if major, minor := version(release); [2]int{major, minor} != want {
			t.Errorf("%q: %d.%d", release, major, minor)
		}
	}
}

func TestPlan(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("engines are installed on Linux only")
	}
	engineFailed := api.Check{ID: idEngine, State: api.CheckFail, Fix: fixCommand}
	engineClosed := api.Check{ID: idEngine, State: api.CheckFail, Fix: "sudo usermod -aG docker $USER && newgrp docker"}
	baseMissing := api.Check{ID: idBaseImage, State: api.CheckWarn}
	bpffs := api.Check{ID: idBPFFS, Title: "BPF file system", State: api.CheckWarn}
	env := func(k string) (string, bool) { return "tcp://elsewhere:2376", k == "DOCKER_HOST" }
	tests := []struct {
		name   string
		doctor *Doctor
		checks []api.Check
		want   []string // ids
		text   []string // in the commands, in order
	}{
		{
			"nothing installed", onDebian(New(Options{Engine: noEngine}), true),
			[]api.Check{baseMissing, engineFailed, bpffs},
			[]string{"engine", "base-image"},
			[]string{"apt-get update", "apt-get install -y --no-install-recommends docker.io", "dockerd --host", "mmdebstrap debian-archive-keyring", "docker pull debian:trixie-slim || ", "mmdebstrap --variant=minbase", "trixie - | docker import"},
		},
		{"only not started", onDebian(New(Options{Engine: noEngine}), true, "dockerd", "mmdebstrap"), []api.Check{engineFailed}, []string{"engine"}, []string{"service docker start"}},
		{"not root", onDebian(New(Options{Engine: noEngine}), false), []api.Check{engineFailed, baseMissing}, nil, nil},
		{"the engine is elsewhere", onDebian(New(Options{Engine: noEngine, Env: env}), true), []api.Check{engineFailed}, nil, nil},
		{"closed to us", onDebian(New(Options{Engine: noEngine}), true), []api.Check{engineClosed, baseMissing}, nil, nil},
		{"only the image, as a user", onDebian(New(Options{Engine: noEngine}), false), []api.Check{baseMissing}, []string{"base-image"}, []string{"docker pull debian:trixie-slim"}},
		{"another image", onDebian(New(Options{Engine: noEngine, BaseImages: []string{"fedora:42"}}), true), []api.Check{baseMissing}, []string{"base-image"}, []string{"docker pull fedora:42"}},
		{"mounts only where no engine is used", onDebian(New(Options{}), true), []api.Check{bpffs}, []string{"bpffs"}, []string{"mount -t bpf bpf /sys/fs/bpf"}},
		{"all is well", onDebian(New(Options{Engine: noEngine}), true), []api.Check{{ID: idEngine, State: api.CheckOK}, {ID: idBaseImage, State: api.CheckOK}}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fixes, err := tt.doctor.Plan(t.Context(), tt.checks)
			if err != nil {
				t.Fatal(err)
			}
			var ids, commands []string
			for _, f := range fixes {
				ids, commands = append(ids, f.ID), append(commands, f.Commands...)
			}
			rest := strings.Join(commands, "\n")
			if !slices.Equal(ids, tt.want) {
				t.Errorf("fixes %q:\n%s", ids, rest)
			}
			for _, text := range tt.text {
				_, after, found := strings.Cut(rest, text)
				if !found {
					t.Errorf("no %q in\n%s", text, rest)
					continue
				}
				rest = after
			}
		})
	}
}

func TestApplyRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, id := range []string{"", "kernel", "rm -rf"} {
		if err := New(Options{Engine: noEngine}).Apply(t.Context(), api.Fix{ID: id}, nil); api.KindOf(err) != api.ErrUsage {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{idEngine, idBaseImage} {
		if err := New(Options{}).Apply(t.Context(), api.Fix{ID: id}, nil); api.KindOf(err) != api.ErrUsage {
			t.Errorf("%q without an engine: %v", id, err)
		}
	}
}
