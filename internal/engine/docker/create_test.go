package docker

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

func TestPorts(t *testing.T) {
	tests := map[string]string{
		"8080":                    `{"8080/tcp":[{"HostIp":"","HostPort":""}]}`,
		"80:8080":                 `{"8080/tcp":[{"HostIp":"","HostPort":"80"}]}`,
		"127.0.0.1:80:8080/udp":   `{"8080/udp":[{"HostIp":"127.0.0.1","HostPort":"80"}]}`,
		"127.0.0.1::8080":         `{"8080/tcp":[{"HostIp":"127.0.0.1","HostPort":""}]}`,
		"[::1]:80:8080":           `{"8080/tcp":[{"HostIp":"::1","HostPort":"80"}]}`,
		"9000-9001:8000-8001/tcp": `{"8000/tcp":[{"HostIp":"","HostPort":"9000"}],"8001/tcp":[{"HostIp":"","HostPort":"9001"}]}`,
	}
	for text, want := range tests {
		_, host, err := createConfig(engine.ContainerSpec{Ports: []string{text}})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, _ := json.Marshal(host.PortBindings); string(got) != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestSpecsThatMakeNoSense(t *testing.T) {
	for _, spec := range []engine.ContainerSpec{
		{Ports: []string{"x"}},
		{Ports: []string{"1-2:3"}},
		{Ports: []string{"nowhere:1:2"}},
		{Ulimits: []string{"nofile"}},
		{Devices: []string{":/x"}},
		{DNS: []string{"name"}},
		{GPUs: "some"},
		{SecurityOpt: []string{"apparmor"}},
		{SecurityOpt: []string{"seccomp=/no/such/file"}},
	} {
		if _, _, err := createConfig(spec); api.KindOf(err) != api.ErrUsage {
			t.Errorf("%+v: %v", spec, err)
		}
	}
}

func TestSecurityOptions(t *testing.T) {
	_, host, err := createConfig(engine.ContainerSpec{SecurityOpt: []string{
		"systempaths=unconfined", "apparmor:unconfined", "no-new-privileges", "seccomp=unconfined", "label=type:x",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(host.SecurityOpt, " "); got != "apparmor=unconfined no-new-privileges seccomp=unconfined label=type:x" {
		t.Error(got)
	}
	if host.MaskedPaths == nil || host.ReadonlyPaths == nil {
		t.Error("the engine's own lists stay")
	}
}

func TestDevices(t *testing.T) {
	_, host, err := createConfig(engine.ContainerSpec{Devices: []string{"*", "/dev/a", "/dev/a:r", "/dev/a:/dev/b:rw"}, GPUs: "device=0,1"})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(host.Devices)
	want := `[{"PathOnHost":"/dev/a","PathInContainer":"/dev/a","CgroupPermissions":"rwm"},{"PathOnHost":"/dev/a","PathInContainer":"/dev/a","CgroupPermissions":"r"},{"PathOnHost":"/dev/a","PathInContainer":"/dev/b","CgroupPermissions":"rw"}]`
	if string(got) != want || strings.Join(host.DeviceCgroupRules, "") != "a *:* rwm" || len(host.DeviceRequests) != 1 {
		t.Errorf("%s %v", got, host.DeviceCgroupRules)
	}
}
