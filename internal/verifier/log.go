// Package verifier reads what the kernel's verifier prints.
//
// Its log is written for people and changes with every kernel, so everything
// here is best effort and nothing fails: figures that are not there stay zero, a
// failure that is not in the catalogue has no explanation. The package is pure:
// it never talks to a kernel.
package verifier

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// MaxLog is the number of bytes of a log that Bound keeps by default. A log of
// level 2 can be a hundred times that.
const MaxLog = 16 << 20

// Stats are the figures that the verifier prints at log level 4 (BPF_LOG_STATS,
// Linux 5.2), zero where it printed none.
type Stats struct {
	Insns            int // instructions processed
	MaxStatesPerInsn int
	TotalStates      int
	PeakStates       int
	MarkRead         int
	StackDepth       int           // bytes, the sum over all functions
	Time             time.Duration // spent verifying
}

var (
	processed = regexp.MustCompile(`(?m)^processed (\d+) insns(?: \(limit \d+\))?` +
		`(?: max_states_per_insn (\d+))?(?: total_states (\d+))?(?: peak_states (\d+))?(?: mark_read (\d+))?`)
	verificationTime = regexp.MustCompile(`(?m)^verification time (\d+) usec`)
	// "stack depth 16+8+0" has one number for each function; since Linux 7.3
	// it is "stack depth max 704" and the functions have lines of their own.
	stackDepth = regexp.MustCompile(`(?m)^stack depth (?:max )?(\d+(?:\+\d+)*)`)
	stackOf    = regexp.MustCompile(`(?m)^subprog \d+ .* stack (\d+)$`)
)

// ParseStats reads the figures out of a log. Of a line that occurs twice the
// last counts.
func ParseStats(log string) Stats {
	var s Stats
	if m := last(processed, log); m != nil {
		s.Insns, s.MaxStatesPerInsn = number(m[1]), number(m[2])
		s.TotalStates, s.PeakStates, s.MarkRead = number(m[3]), number(m[4]), number(m[5])
	}
	if m := last(verificationTime, log); m != nil {
		s.Time = time.Duration(number(m[1])) * time.Microsecond
	}
	s.StackDepth = parseStack(log)
	return s
}

func parseStack(log string) int {
	m := last(stackDepth, log)
	if m == nil {
		return 0
	}
	depth := 0
	if strings.Contains(m[0], "max") {
		for _, f := range stackOf.FindAllStringSubmatch(tail(log), -1) {
			depth += number(f[1])
		}
		if depth > 0 {
			return depth
		}
	}
	for part := range strings.SplitSeq(m[1], "+") {
		depth += number(part)
	}
	return depth
}

// statsAt is how far before the end of a log the figures are looked for: they
// are its last lines, one for each function at most.
const statsAt = 64 << 10

func tail(log string) string { return log[max(0, len(log)-statsAt):] }

func last(re *regexp.Regexp, log string) []string {
	all := re.FindAllStringSubmatch(tail(log), -1)
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

// number reads digits; what no verifier would print counts as 0.
func number(s string) int {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// Bound cuts a log to at most limit bytes: it keeps whole lines of the head and
// of the tail, where the verdict is, and says in between what is missing. It
// reports whether it cut.
func Bound(log string, limit int) (string, bool) {
	if len(log) <= limit {
		return log, false
	}
	const room = 64 // for the line that says so
	half := max(0, limit-room) / 2
	head, end := log[:half], log[len(log)-half:]
	if i := strings.LastIndexByte(head, '\n'); i >= 0 {
		head = head[:i+1]
	}
	if i := strings.IndexByte(end, '\n'); i >= 0 {
		end = end[i+1:]
	}
	gap := "... " + strconv.Itoa(len(log)-len(head)-len(end)) + " bytes left out ...\n"
	return head + gap + end, true
}
