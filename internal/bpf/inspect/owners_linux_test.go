package inspect

import (
	"strings"
	"testing"
)

func TestContainerOf(t *testing.T) {
	a, b := strings.Repeat("a1", 32), strings.Repeat("b2", 32)
	for _, tt := range []struct{ groups, want string }{
		{"0::/user.slice/user-0.slice\n", ""},
		{"0::/system.slice/docker-" + a + ".scope\n", a},
		{"12:cpu:/docker/" + a + "\n0::/docker/" + a + "\n", a},
		{"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + b + ".scope", b},
		{"0::/docker/" + a + "/docker/" + b + "\n", b},
		{"0::/../" + a, a},
		{"0::/x" + a + "0\n", ""},
	} {
		if got := containerOf(tt.groups); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.groups, got, tt.want)
		}
	}
}
