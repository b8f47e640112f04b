//go:build docker

package docker_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

func TestInfoNamesTheEngine(t *testing.T) {
	info, err := open(t).Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.Version == "" || info.APIVersion == "" || info.OS != "linux" || info.RootDir == "" || info.Kernel == "" {
		t.Errorf("incomplete: %+v", info)
	}
}

func TestContainerIsWhatTheSpecSays(t *testing.T) {
	e := openBase(t)
	volume := unique(t)
	t.Cleanup(func() { _ = e.RemoveVolume(after(t), volume) })
	id := running(t, e, engine.ContainerSpec{
		Env: []string{"A=one two"}, User: "65534:65534", WorkingDir: "/tmp", Hostname: "here",
		Labels:      map[string]string{"test.ebpfdev.name": unique(t)},
		CapAdd:      []string{"NET_ADMIN"},
		SecurityOpt: []string{"seccomp:unconfined", "systempaths=unconfined", "apparmor=unconfined"},
		Devices:     []string{"*", "/dev/null:/dev/nothing"},
		// The same twice: runc before 1.1.13 may raise a soft limit to the hard one.
		Ulimits:     []string{"nofile=1000:1000"},
		NetworkMode: "none", PIDMode: "host", CgroupNS: "host", IPCMode: "private",
		Init: true, ShmSize: 16 << 20, GroupAdd: []string{"4242"},
		Tmpfs:      map[string]string{"/scratch": "size=64k"},
		ExtraHosts: []string{"elsewhere:192.0.2.7"},
		Sysctls:    map[string]string{"net.ipv4.ip_unprivileged_port_start": "0"},
		Mounts: []engine.Mount{
			{Type: "volume", Source: volume, Target: "/sys/fs/bpf", VolumeOpts: map[string]string{"type": "bpf", "device": "bpf"}, Labels: map[string]string{"test.ebpfdev": "yes"}},
			{Type: "bind", Source: "/etc/debian_version", Target: "/bound", ReadOnly: true},
			{Type: "tmpfs", Target: "/small", TmpfsSize: 128 << 10},
		},
	})
	got := run(t, e, id, sh(`
		echo env=$A; echo user=$(id -u):$(id -g) $(id -G); pwd; hostname
		echo bpf=$(stat -f -c %t /sys/fs/bpf); test -s /bound && echo bound; test -w /bound || echo ro
		echo small=$(df -k --output=size /small | tail -1 | tr -d ' '); echo scratch=$(df -k --output=size /scratch | tail -1 | tr -d ' ')
		echo shm=$(df -k --output=size /dev/shm | tail -1 | tr -d ' '); ulimit -n; test -c /dev/nothing && echo device
		grep -q elsewhere /etc/hosts && echo hosts; test -w /proc/sys/kernel/ns_last_pid; ls /sys/class/net; grep -c . /proc/kcore >/dev/null 2>&1; grep ' /proc/kcore ' /proc/mounts || echo unmasked
	`), nil)
	for _, want := range []string{
		"env=one two\n", "user=65534:65534 65534 4242\n", "/tmp\nhere\n", "bpf=cafe4a11\n", "bound\nro\n",
		"small=128\n", "scratch=64\n", "shm=16384\n", "1000\n", "device\n", "hosts\n", "lo\n", "unmasked\n",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s%s", want, got.out, got.err)
		}
	}
	c, err := e.InspectContainer(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if c.State != "running" || c.PIDMode != "host" || !slices.Equal(c.CapAdd, []string{"CAP_NET_ADMIN"}) || c.Started.IsZero() || c.CreatedRaw == "" {
		t.Errorf("inspect: %+v", c)
	}
	v, err := e.InspectVolume(t.Context(), volume)
	if err != nil || v.Labels["test.ebpfdev"] != "yes" || v.Options["type"] != "bpf" {
		t.Errorf("volume %+v, %v", v, err)
	}
}

func TestListIsNewestFirstByLabels(t *testing.T) {
	e := openBase(t)
	name := unique(t)
	var ids []string
	for range 3 {
		ids = append(ids, create(t, e, engine.ContainerSpec{
			Name: unique(t), Cmd: []string{"true"}, NetworkMode: "none",
			Labels: map[string]string{"test.ebpfdev.list": name, "test.ebpfdev.any": "x"},
		}))
	}
	list, err := e.ListContainers(t.Context(), map[string]string{"test.ebpfdev.list": name, "test.ebpfdev.any": ""})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, c.ID)
	}
	slices.Reverse(ids)
	if !slices.Equal(got, ids) {
		t.Errorf("got %v, want %v", got, ids)
	}
	none, err := e.ListContainers(t.Context(), map[string]string{"test.ebpfdev.list": name, "test.ebpfdev.other": ""})
	if err != nil || len(none) != 0 {
		t.Errorf("both labels are asked for: %v, %v", none, err)
	}
}

func TestWaitAndLogs(t *testing.T) {
	e := openBase(t)
	id := create(t, e, engine.ContainerSpec{
		Entrypoint: []string{"/bin/sh", "-c", "echo first; echo wrong >&2; printf last; exit 7"}, NetworkMode: "none",
	})
	if err := e.StartContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if code, err := e.WaitContainer(t.Context(), id); code != 7 || err != nil {
		t.Fatalf("exit code %d, %v", code, err)
	}
	var out, errs []string
	err := e.ContainerLogs(t.Context(), id, engine.LogsSpec{}, func(l api.LogLine) error {
		if l.Time.IsZero() {
			t.Errorf("no time: %+v", l)
		}
		if l.Stderr {
			errs = append(errs, l.Text)
		} else {
			out = append(out, l.Text)
		}
		return nil
	})
	if err != nil || !slices.Equal(out, []string{"first", "last"}) || !slices.Equal(errs, []string{"wrong"}) {
		t.Errorf("out %q, err %q, %v", out, errs, err)
	}
	stop := errors.New("enough")
	if err := e.ContainerLogs(t.Context(), id, engine.LogsSpec{}, func(api.LogLine) error { return stop }); err != stop { //nolint:errorlint // it must be this very error
		t.Errorf("the callback's error came back as %v", err)
	}
}

func TestObjectsThatAreGone(t *testing.T) {
	e := open(t)
	name := unique(t)
	if err := e.RemoveContainer(t.Context(), name); err != nil {
		t.Error(err)
	}
	if err := e.RemoveVolume(t.Context(), name); err != nil {
		t.Error(err)
	}
	if err := e.RemoveImage(t.Context(), name); err != nil {
		t.Error(err)
	}
	_, err := e.InspectContainer(t.Context(), name)
	wantKind(t, err, api.ErrNotExist)
	_, err = e.InspectImage(t.Context(), name)
	wantKind(t, err, api.ErrNotExist)
	_, err = e.InspectVolume(t.Context(), name)
	wantKind(t, err, api.ErrNotExist)
	wantKind(t, e.StartContainer(t.Context(), name), api.ErrNotExist)
	_, err = e.CreateContainer(t.Context(), engine.ContainerSpec{Image: name + ":none"})
	wantKind(t, err, api.ErrNotExist)
}

func TestMissingBindLeavesNoContainer(t *testing.T) {
	e := openBase(t)
	name := unique(t)
	_, err := e.CreateContainer(t.Context(), engine.ContainerSpec{
		Name: name, Image: baseImage, Cmd: []string{"true"},
		Mounts: []engine.Mount{{Type: "bind", Source: "/no/such/folder", Target: "/x"}},
	})
	if err == nil || !strings.Contains(err.Error(), "/no/such/folder") {
		t.Errorf("error %v does not name the path", err)
	}
	_, err = e.InspectContainer(t.Context(), name)
	wantKind(t, err, api.ErrNotExist)
}

func TestScratchNeverStartsAndTakesFiles(t *testing.T) {
	e := open(t)
	volume := unique(t)
	if err := e.CreateVolume(t.Context(), engine.VolumeSpec{Name: volume, Labels: map[string]string{"test.ebpfdev.scratch": volume}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.RemoveVolume(after(t), volume); err != nil {
			t.Error(err)
		}
	})
	id := create(t, e, engine.ContainerSpec{
		Image: engine.Scratch, NetworkMode: "none",
		Mounts: []engine.Mount{{Type: "volume", Source: volume, Target: "/data"}},
	})
	content := bytes.Repeat([]byte{0, 0xff, '\n'}, 1<<20)
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	if err := tw.WriteHeader(&tar.Header{Name: "file", Mode: 0o755, Size: int64(len(content)), Uid: 1234, Gid: 1234}); err != nil {
		t.Fatal(err)
	}
	_, _ = tw.Write(content)
	_ = tw.Close()
	if err := e.CopyTo(t.Context(), id, "/data", &buf); err != nil {
		t.Fatal(err)
	}
	back, err := e.CopyFrom(t.Context(), id, "/data/file")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = back.Close() }()
	tr := tar.NewReader(back)
	hdr, err := tr.Next()
	if err != nil || hdr.Mode&0o777 != 0o755 || hdr.Uid != 1234 {
		t.Fatalf("header %+v, %v", hdr, err)
	}
	if got, err := io.ReadAll(tr); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the content differs (%d bytes, %v)", len(got), err)
	}
	volumes, err := e.ListVolumes(t.Context(), map[string]string{"test.ebpfdev.scratch": volume})
	if err != nil || len(volumes) != 1 || volumes[0].Name != volume {
		t.Errorf("volumes %v, %v", volumes, err)
	}
	wantKind(t, e.RemoveVolume(t.Context(), volume), api.ErrConflict)
	wantKind(t, e.CopyTo(t.Context(), id, "/no/such/folder", bytes.NewReader(make([]byte, 1024))), api.ErrNotExist)
}

func TestCapabilities(t *testing.T) {
	e := openBase(t)
	grantable, err := engine.Grantable(t.Context(), e, baseImage)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(grantable, "CAP_SYS_ADMIN") {
		t.Errorf("grantable: %v", grantable)
	}
	spec := engine.ContainerSpec{
		Image: baseImage, NetworkMode: "none", CapAdd: grantable, Devices: []string{"*"},
		SecurityOpt: []string{"seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined"},
	}
	got, err := engine.Granted(t.Context(), e, spec)
	if err != nil {
		t.Fatal(err)
	}
	if missing := engine.MissingCapabilities(grantable, got); len(missing) > 0 {
		t.Errorf("promised and not granted: %v", missing)
	}
}

// A capability outside the engine's bounding set, or one that it does not know,
// is told apart from every other refusal.
func TestRefusedCapability(t *testing.T) {
	e := openBase(t)
	refused := "CAP_NO_SUCH"
	_, err := e.CreateContainer(t.Context(), engine.ContainerSpec{Image: baseImage, CapAdd: []string{refused}})
	wantKind(t, err, api.ErrNotSupported)
	if !errors.Is(err, engine.ErrCapabilities) {
		t.Errorf("error %v does not match ErrCapabilities", err)
	}
}
