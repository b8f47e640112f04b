package guest

import (
	"fmt"
	"strconv"
	"strings"
)

// Run is a number of page frames in a row in the guest's physical memory.
type Run struct{ Frame, Count uint64 }

// readyLine says where the mailbox is.
func readyLine(frames []uint64) string {
	var runs []Run
	for _, f := range frames {
		if n := len(runs); n > 0 && runs[n-1].Frame+runs[n-1].Count == f {
			runs[n-1].Count++
			continue
		}
		runs = append(runs, Run{f, 1})
	}
	parts := make([]string, len(runs))
	for i, r := range runs {
		parts[i] = fmt.Sprintf("%x+%x", r.Frame, r.Count)
	}
	return readyWords + strings.Join(parts, ",") + "\n"
}

// ParseReady reads a line of the second serial port. ok is false for one that is
// no ready line. What a guest says is checked here for its form only: the frames
// may lie outside its memory.
func ParseReady(line string) (runs []Run, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), readyWords)
	if !ok {
		return nil, false
	}
	var total uint64
	for part := range strings.SplitSeq(rest, ",") {
		frame, count, _ := strings.Cut(part, "+")
		f, err1 := strconv.ParseUint(frame, 16, 40)
		n, err2 := strconv.ParseUint(count, 16, 20)
		total += n
		if err1 != nil || err2 != nil || n == 0 || total > pages || len(runs) == maxRuns {
			return nil, false
		}
		runs = append(runs, Run{f, n})
	}
	return runs, total == pages
}
