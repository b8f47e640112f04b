package verifier

import (
	"path"
	"regexp"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Failure is what a log tells about why a program was refused.
type Failure struct {
	Summary string // the line that says it, "" when the log has none
	Insn    int    // the index of the refused instruction, -1 when unknown
	File    string // base name of its source file (Linux 6.8), or ""
	Line    int
	Source  string // the text of its source line
	Why     string // the cause in words, "" when it is not in the catalogue
	Fix     string
}

var (
	sourceLine = regexp.MustCompile(`^; (.*?)(?: @ (\S[^@]*):(\d+))?$`)
	insnLine   = regexp.MustCompile(`^(\d+): \([0-9a-f]{2}\) `)
	noise      = regexp.MustCompile(`^(?:` + strings.Join([]string{
		`processed \d+ insns`, `verification time \d+`, `stack depth `, `subprog \d+ `,
		`(?:old|cur) state: `, `regs=`, `mark_precise: `, `last_idx \d+`, `parent (?:didn't|already)`,
		`func#\d+ @\d+`, `from \d+ to \d+`, `\s*\d+: `, `; `, `\(\d+[\d,]*\) (?:frame \d+ insn|live stack)`, `R\d+(?:_\w+)?=`, `\s*frame\d+: `, ` R\d+`,
		`propagating `, `caller:`, `callee:`, `returning from callee:`, `to caller at \d+:`,
		`Live regs before insn:`, `Validating .* func#\d+`, `Func#\d+ .* is (?:global|safe)`, `reg type unsupported`,
		`live regs `, `BPF program .* is too large\. Processed 0`,
	}, "|") + `)`)
	// explained begins the block in which Linux 7.3 explains some failures
	// itself; the plain line stands before it.
	explained = regexp.MustCompile(`^Verification failed: `)
)

// lookBack is how many telling lines before the last are searched for a cause
// that the catalogue knows: a cause is often followed by a remark.
const lookBack = 4

// ParseFailure finds the line of a log that matters and what the catalogue
// knows about it.
func ParseFailure(log string) Failure {
	f := Failure{Insn: -1}
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	at := -1
	for i, seen := len(lines)-1, 0; i >= 0 && seen <= lookBack; i-- {
		line := strings.TrimSpace(lines[i])
		if line == "" || noise.MatchString(lines[i]) {
			if insnLine.MatchString(line) && seen > 0 {
				break // what stands before the instruction belongs to others
			}
			continue
		}
		seen++
		if at < 0 || explained.MatchString(lines[at]) {
			at, f.Summary = i, line
		}
		if c, match := lookup(line); c != nil && (f.Why == "" || !c.remark) {
			at, f.Summary = i, line
			f.Why, f.Fix = c.explain(match)
			if !c.remark {
				break
			}
		}
	}
	if at >= 0 {
		f.locate(lines[:at])
	}
	return f
}

// locate finds the instruction and the source line that came last.
func (f *Failure) locate(lines []string) {
	for i := len(lines) - 1; i >= 0; i-- {
		if m := insnLine.FindStringSubmatch(lines[i]); m != nil && f.Insn < 0 {
			f.Insn = number(m[1])
		}
		// The compiler gives line 0 to instructions that belong to no line.
		if m := sourceLine.FindStringSubmatch(lines[i]); m != nil && m[3] != "0" {
			f.Source, f.File, f.Line = strings.TrimSpace(m[1]), m[2], number(m[3])
			if f.File != "" {
				f.File = path.Base(f.File)
			}
			return
		}
	}
}

// Error makes the error of a refused program out of its log. cause is the
// error of the system call, for a log that says nothing.
func Error(program, log string, cause error) *api.VerifierError {
	f := ParseFailure(log)
	if f.Summary == "" && cause != nil {
		f.Summary = cause.Error()
		if c, match := lookup(f.Summary); c != nil {
			f.Why, f.Fix = c.explain(match)
		}
	}
	bounded, cut := Bound(log, MaxLog)
	return &api.VerifierError{
		Program: program, Summary: f.Summary,
		File: f.File, Line: f.Line, Source: f.Source,
		Log: bounded, Truncated: cut,
		Why: f.Why, Fix: f.Fix,
	}
}
