package points

import (
	"slices"
	"strings"
	"testing"
)

func TestParseKallsyms(t *testing.T) {
	const text = "ffffffff81000000 T vfs_read\nffffffff81000010 t __pfx_vfs_read\nffffffff82000000 D some_data\n" +
		"0000000000000000 t nf_hook\t[nf]\n0000000000000000 w weak\nshort\n"
	names, err := parseKallsyms(strings.NewReader(text))
	if want := []string{"vfs_read", "nf_hook", "weak"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("parseKallsyms = %q, %v; want %q", names, err, want)
	}
	if _, err := parseKallsyms(strings.NewReader("ffffffff82000000 D some_data\n")); err == nil {
		t.Error("a list without functions tells something")
	}
}
