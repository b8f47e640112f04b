package cli

import (
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestPick(t *testing.T) {
	objects := []named{
		{1, "AT_execs", "mine"},
		{2, "AT_calls", ""},
		{3, "calls", ""},
		{4, "AT_opens", "other"},
		{5, "AT_opens", "mine"},
		{6, "twice", ""},
		{7, "twice", ""},
		{8, "a_name_that_is_", "mine"},
	}
	at := func(i int) named { return objects[i] }
	for _, tt := range []struct {
		noun, which string
		id          uint32 // 0 for none
		cause       string
	}{
		{"map", "execs", 1, ""},
		{"map", "@execs", 1, ""},
		{"map", "AT_execs", 1, ""},
		{"map", "calls", 3, ""}, // its own name goes before
		{"map", "@calls", 2, ""},
		{"map", "opens", 5, ""},
		{"map", "4", 4, ""},
		{"map", "a_name_that_is_long", 8, ""},
		{"map", "99", 0, "the kernel holds none with this name or id"},
		{"map", "exces", 0, "the kernel holds none with this name or id; near: @execs"},
		{"map", "twice", 0, "2 have this name; use an id"},
		{"map", "nothing-like-it", 0, "the kernel holds none with this name or id"},
		{"program", "execs", 0, "the kernel holds none with this name or id; near: @execs"},
	} {
		i, err := pick(tt.noun, tt.which, "mine", len(objects), at)
		switch {
		case tt.id != 0 && (err != nil || objects[i].id != tt.id):
			t.Errorf("%s: %d, %v", tt.which, objects[i].id, err)
		case tt.id == 0 && (err == nil || !strings.HasSuffix(err.Error(), tt.which+": "+tt.cause) || api.HintOf(err) == ""):
			t.Errorf("%s: %v", tt.which, err)
		}
	}
}
