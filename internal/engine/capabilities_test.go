package engine

import (
	"slices"
	"strings"
	"testing"
)

func TestParseCapabilities(t *testing.T) {
	tests := []struct {
		mask string
		want []string
	}{
		{"0000000000000000", nil},
		{"0000000000000001", []string{"CAP_CHOWN"}},
		{"\t0000018000000000 ", []string{"CAP_BPF", "CAP_CHECKPOINT_RESTORE"}},
		{"0000020000000000", []string{"CAP_41"}},
	}
	for _, tt := range tests {
		got, err := ParseCapabilities(tt.mask)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, %v", tt.mask, got, err)
		}
	}
	for _, bad := range []string{"", "xyz", "1ffffffffffffffff"} {
		if _, err := ParseCapabilities(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestMissingOfAPrivilegedContainer(t *testing.T) {
	status := "Name:\tcat\nCapInh:\t0000000000000000\nCapEff:\t000001fffeffffff\nCapBnd:\t0\n"
	got, err := StatusCapabilities(strings.NewReader(status), "CapEff")
	if err != nil {
		t.Fatal(err)
	}
	if missing := MissingCapabilities(Capabilities(), got); !slices.Equal(missing, []string{"CAP_SYS_RESOURCE"}) {
		t.Errorf("missing %v", missing)
	}
	if _, err := StatusCapabilities(strings.NewReader(status), "CapNone"); err == nil {
		t.Error("a set that is not there was found")
	}
}

func TestCapabilitiesOf(t *testing.T) {
	tests := []struct {
		info Info
		want bool
	}{
		{Info{Name: DockerEngine, Version: "20.10.24+dfsg1"}, false},
		{Info{Name: DockerEngine, Version: "23.0.1"}, true},
		{Info{Name: DockerEngine, Version: "26.1.5+dfsg1"}, true},
		{Info{Name: DockerEngine}, true},
		{Info{Name: "Podman", Version: "5.4.0-dev"}, true},
	}
	for _, tt := range tests {
		if got := slices.Contains(CapabilitiesOf(tt.info), "CAP_BPF"); got != tt.want {
			t.Errorf("%+v: %v", tt.info, got)
		}
	}
}
