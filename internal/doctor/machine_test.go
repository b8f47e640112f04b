package doctor

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/ebpfdev/ebpfdev/internal/aptsource"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestMirrorLines(t *testing.T) {
	tests := []struct {
		name  string
		root  fstest.MapFS
		suite string
		want  []string
	}{
		{
			"a bookworm with its own mirror, in the newer format",
			fstest.MapFS{
				"etc/os-release": file("ID=debian\nVERSION_CODENAME=bookworm\n"),
				"etc/apt/sources.list.d/debian.sources": file("# c\nTypes: deb deb-src\nURIs: http://mirror.example/debian\n" +
					"Suites: bookworm bookworm-updates\nComponents: main\n contrib\nSigned-By: /x\n\n" +
					"Types: deb\nURIs: http://sec.example/debian-security\nSuites: bookworm-security\nComponents: main\n"),
			},
			"trixie",
			[]string{
				"deb http://mirror.example/debian trixie main",
				"deb http://mirror.example/debian trixie-updates main",
				"deb http://sec.example/debian-security trixie-security main",
			},
		},
		{
			"the older format, without security",
			fstest.MapFS{
				"usr/lib/os-release":     file("ID=\"debian\"\nVERSION_CODENAME='trixie'\n"),
				"etc/apt/sources.list":   file("# deb http://no.example x main\ndeb-src http://src.example trixie main\ndeb [arch=amd64 signed-by=/x] http://one.example/debian trixie main # c\n"),
				"etc/apt/sources.list.d": &fstest.MapFile{Mode: 0o755 | 1<<31},
			},
			"trixie",
			[]string{"deb http://one.example/debian trixie main"},
		},
		{
			"a source that is switched off",
			fstest.MapFS{
				"etc/os-release":                   file("ID=debian\nVERSION_CODENAME=trixie\n"),
				"etc/apt/sources.list.d/x.sources": file("Enabled: no\nTypes: deb\nURIs: http://off.example\nSuites: trixie\nComponents: main\n"),
			},
			"trixie",
			nil,
		},
		{
			"Ubuntu has no Debian mirror",
			fstest.MapFS{
				"etc/os-release":       file("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n"),
				"etc/apt/sources.list": file("deb http://archive.ubuntu.com/ubuntu noble main\n"),
			},
			"trixie",
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m machine
			m.readRelease(tt.root)
			m.sources = aptsource.Read(tt.root)
			if got := m.mirrorLines(tt.suite); !slices.Equal(got, tt.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestSuiteOf(t *testing.T) {
	for ref, want := range map[string]string{
		"debian:trixie-slim": "trixie", "debian:sid": "sid", "docker.io/library/debian:bookworm": "bookworm",
		"debian": "", "debian:latest": "", "debian:13": "", "ubuntu:noble": "", "registry.example/debian:trixie": "", "debian:trixie;x": "",
	} {
		if got, err := suiteOf(ref); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", ref, got, err)
		}
	}
}

func TestCgroupMounts(t *testing.T) {
	const sys = "sysfs /sys sysfs rw 0 0\n"
	tests := []struct {
		name, mounts, own string
		want              []string
	}{
		{"cgroup2 is there", sys + "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "0::/\n", nil},
		{"an older one is there", sys + "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n", "1:cpu:/\n0::/\n", nil},
		{"nothing, and the kernel has one hierarchy", sys, "0::/x\n", []string{"mount -t cgroup2 cgroup2 /sys/fs/cgroup"}},
		{"nothing at all", "", "0::/\n", []string{"mount -t sysfs sysfs /sys", "mount -t cgroup2 cgroup2 /sys/fs/cgroup"}},
		{
			"a cgroup2 elsewhere does not help older hierarchies",
			sys + "none /sys/fs/cgroup/unified cgroup2 rw 0 0\n", "9:name=systemd:/\n4:cpu,cpuacct:/a:b\n0::/\n",
			[]string{
				"mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup",
				"mkdir -p /sys/fs/cgroup/systemd", "mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd",
				"mkdir -p /sys/fs/cgroup/cpu,cpuacct", "mount -t cgroup -o cpu,cpuacct cgroup /sys/fs/cgroup/cpu,cpuacct",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range cgroupMounts(tt.mounts, tt.own) {
				got = append(got, c.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}
