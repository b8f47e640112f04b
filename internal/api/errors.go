package api

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

// Kind says what sort of failure an error is. A Kind is itself an error, so
// errors.Is(err, api.ErrNotExist) works; it is the part of an error that
// programs may depend on, and it decides the exit code.
type Kind string

// The kinds. Their text is part of the JSON output and of the wire.
const (
	ErrFailed       Kind = "failed"        // the work was tried and did not succeed; exit 1
	ErrRejected     Kind = "rejected"      // the verifier refused a program; exit 1
	ErrTool         Kind = "tool failed"   // a compiler or another tool ended with an error; exit 1
	ErrNotExist     Kind = "not found"     // the named thing does not exist (or no longer); exit 1
	ErrInvalid      Kind = "invalid"       // input that cannot be understood (an object that is no ELF, a key that does not fit); exit 1
	ErrUsage        Kind = "usage"         // the command line or the request makes no sense; exit 2
	ErrEnvironment  Kind = "environment"   // the engine, the kernel or the disk is not as needed; exit 3
	ErrPermission   Kind = "permission"    // not allowed to; exit 3
	ErrNotSupported Kind = "not supported" // this kernel or this engine cannot do it; exit 3
	ErrUnreachable  Kind = "unreachable"   // the engine or the agent went away; exit 3
	ErrUntrusted    Kind = "untrusted"     // needs a person's consent, or is not what was signed; exit 4
	ErrConflict     Kind = "conflict"      // somebody else changed or holds it; exit 5
	ErrTimeout      Kind = "timeout"       // a time limit passed; exit 124
)

// Error returns the kind's text.
func (k Kind) Error() string { return string(k) }

// ExitCode returns the process exit code that stands for the kind.
func (k Kind) ExitCode() int {
	switch k {
	case ErrUsage:
		return 2
	case ErrEnvironment, ErrPermission, ErrNotSupported, ErrUnreachable:
		return 3
	case ErrUntrusted:
		return 4
	case ErrConflict:
		return 5
	case ErrTimeout:
		return 124
	default:
		return 1
	}
}

// Error is the error that crosses layers. It reads "operation object: cause";
// the hint is a separate line that a person can run.
type Error struct {
	Op     string // what was being done: "load", "create container"
	Object string // to what: a program's name, a path; may be empty
	Kind   Kind   // never empty
	Cause  string // why it failed, without a final period
	Hint   string // a command to run, or empty
	Err    error  // the underlying error; does not cross a wire
}

// E builds an Error from an underlying error. When err already carries a kind
// and kind is empty, the kind and the hint are inherited.
func E(op, object string, kind Kind, err error) *Error {
	e := &Error{Op: op, Object: object, Kind: kind, Err: err}
	if err != nil {
		e.Cause = err.Error()
		if kind == "" {
			e.Kind = KindOf(err)
		}
		e.Hint = HintOf(err)
	}
	if e.Kind == "" {
		e.Kind = ErrFailed
	}
	return e
}

// Errorf builds an Error whose cause is the given text.
func Errorf(op, object string, kind Kind, cause string) *Error {
	return &Error{Op: op, Object: object, Kind: kind, Cause: cause}
}

// WithHint returns the same error with a hint that can be run.
func (e *Error) WithHint(hint string) *Error {
	c := *e
	c.Hint = hint
	return &c
}

// Error returns "operation object: cause".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Object != "" {
		if e.Op != "" {
			b.WriteByte(' ')
		}
		b.WriteString(e.Object)
	}
	cause := e.Cause
	if cause == "" {
		cause = string(e.Kind)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(cause)
	return b.String()
}

// Is reports whether target is this error's kind.
func (e *Error) Is(target error) bool { return target == error(e.Kind) }

// Unwrap returns the underlying error.
func (e *Error) Unwrap() error { return e.Err }

// VerifierError is a program that the kernel's verifier refused.
// It matches ErrRejected.
type VerifierError struct {
	Program string // the program's name
	Summary string // one line: what the verifier said last that matters
	File    string // source file of the refused instruction, as the compiler was given it, or empty
	Line    int    // its line, 0 when unknown
	Source  string // the text of that line
	Log     string // the verifier's log; head and tail when it was too long
	// Truncated is set when the log is not whole.
	Truncated bool
	// Why says the cause in words and Fix what to change; empty when the
	// failure is not one that we know.
	Why string
	Fix string
}

// Error returns the one-line summary.
func (e *VerifierError) Error() string {
	return "verify " + e.Program + ": " + e.Summary
}

// Is reports whether target is ErrRejected.
func (e *VerifierError) Is(target error) bool { return target == error(ErrRejected) }

// ToolError is a compiler or another program that ended with an error.
// It matches ErrTool.
type ToolError struct {
	Tool     string // argv[0] and what identifies the step: "go generate"
	ExitCode int    // 128+n when a signal ended it
	Stderr   string // the tail of what it said, at most 64 KiB
}

// Error returns the tool, its exit code and its last line.
func (e *ToolError) Error() string {
	last := strings.TrimRight(e.Stderr, "\n")
	if i := strings.LastIndexByte(last, '\n'); i >= 0 {
		last = last[i+1:]
	}
	msg := e.Tool + ": exit status " + strconv.Itoa(e.ExitCode)
	if last != "" {
		msg += ": " + last
	}
	return msg
}

// Is reports whether target is ErrTool.
func (e *ToolError) Is(target error) bool { return target == error(ErrTool) }

// KindOf returns the kind of an error, ErrFailed for one that carries none, and
// the empty Kind for nil. A passed deadline is ErrTimeout.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var (
		e *Error
		v *VerifierError
		t *ToolError
		k Kind
	)
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.As(err, &v):
		return ErrRejected
	case errors.As(err, &t):
		return ErrTool
	case errors.As(err, &k):
		return k
	case errors.Is(err, context.DeadlineExceeded):
		return ErrTimeout
	default:
		return ErrFailed
	}
}

// HintOf returns the first hint found in an error's chain.
func HintOf(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}
