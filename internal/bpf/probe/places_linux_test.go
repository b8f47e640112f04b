package probe

import (
	"strings"
	"testing"
)

func TestRootMount(t *testing.T) {
	for line, want := range map[string]root{
		"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n": {"ext4", "/dev/vda", "rw,discard", true},
		"1 2 0:3 / / rw shared:1 - overlay overlay rw,upperdir=/var/lib/docker/overlay2/x/diff\n28 1 0:4 / /proc rw - proc proc rw\n": {
			"overlay", "overlay", "rw,upperdir=/var/lib/docker/overlay2/x/diff", true,
		},
		"1 2 254:0 /var/lib/docker/vfs/dir/x / rw - ext4 /dev/vda rw\n": {"ext4", "/dev/vda", "rw", false},
		"nonsense\n": {},
	} {
		if got := rootMount(line); got != want {
			t.Errorf("rootMount(%q) = %+v, want %+v", line, got, want)
		}
	}
}

func TestParseConfig(t *testing.T) {
	got := parseConfig(strings.NewReader("# CONFIG_KPROBES is not set\nCONFIG_BPF_LSM=y\nCONFIG_LSM=\"yama,bpf\"\n\nx=y\n"))
	if len(got) != 2 || got["CONFIG_BPF_LSM"] != "y" || got["CONFIG_LSM"] != "yama,bpf" {
		t.Errorf("config = %v", got)
	}
}
