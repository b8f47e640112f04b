package guest

import (
	"slices"
	"testing"
)

func TestReadyLine(t *testing.T) {
	frames := make([]uint64, pages)
	for i := range frames {
		frames[i] = 0x1000 + uint64(i)
	}
	frames[pages-1] = 7
	line := readyLine(frames)
	if want := "ebpfdev mailbox 1000+400,7+1\n"; line != want {
		t.Errorf("line = %q, want %q", line, want)
	}
	runs, ok := ParseReady(line)
	if !ok || !slices.Equal(runs, []Run{{0x1000, 0x400}, {7, 1}}) {
		t.Errorf("runs = %v, %v", runs, ok)
	}
	if _, ok := ParseReady("ebpfdev mailbox 1000+400,7+1\r\n"); !ok {
		t.Error("a terminal's line end is no reason to refuse")
	}
}

func FuzzParseReady(f *testing.F) {
	for _, line := range []string{
		"", "ebpfdev mailbox ", "ebpfdev mailbox 1+401", "ebpfdev mailbox 1+400", "ebpfdev mailbox 1+400,2+1,",
		"ebpfdev mailbox -1+401", "ebpfdev mailbox ffffffffff+401", "ebpfdev mailbox 1+400,x",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		runs, ok := ParseReady(line)
		var total uint64
		for _, r := range runs {
			total += r.Count
		}
		if ok && (total != pages || len(runs) > maxRuns) {
			t.Errorf("%q gives %d pages in %d runs", line, total, len(runs))
		}
	})
}
