package wire

import (
	"context"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// errorNode is one error of a chain as it travels. Exactly one of the typed
// fields is set; an error of no type that matters travels as its text.
type errorNode struct {
	Error    *errorFields        `json:"error,omitempty"`
	Verifier *api.VerifierError  `json:"verifier,omitempty"`
	Tool     *api.ToolError      `json:"tool,omitempty"`
	Kind     api.Kind            `json:"kind,omitempty"`
	Context  string              `json:"context,omitempty"` // "canceled" or "deadline"
	Text     string              `json:"text,omitempty"`
	Raw      map[string]rawBytes `json:"raw,omitempty"` // texts that are no UTF-8, by what they are
	Wraps    []errorNode         `json:"wraps,omitempty"`
}

// rawBytes travels as base64.
type rawBytes = []byte

// errorFields is an api.Error without what it wraps.
type errorFields struct {
	Op     string   `json:"op"`
	Object string   `json:"object,omitempty"`
	Kind   api.Kind `json:"kind"`
	Cause  string   `json:"cause,omitempty"`
	Hint   string   `json:"hint,omitempty"`
}

const (
	contextCanceled = "canceled"
	contextDeadline = "deadline"
)

// textError is an error of the other side that has no type here.
type textError struct {
	text  string
	wraps []error
}

// Error returns the text of the other side.
func (e *textError) Error() string { return e.text }

// Unwrap returns what the error wrapped and has a type here.
func (e *textError) Unwrap() []error { return e.wraps }

// encodeError returns an error as it travels, such that what decodeError makes
// of it has the same text and matches the same kinds and types of package api.
func encodeError(err error) []byte {
	n := nodeOf(err)
	b, jsonErr := json.Marshal(n)
	if jsonErr != nil { // not reachable: strings, numbers and bytes
		b, _ = json.Marshal(errorNode{Text: err.Error()})
	}
	return b
}

// nodeOf converts an error and what it wraps.
func nodeOf(err error) errorNode {
	switch e := err.(type) { //nolint:errorlint // the chain is walked link by link
	case *api.Error:
		n := errorNode{Error: &errorFields{Op: e.Op, Object: e.Object, Kind: e.Kind, Cause: e.Cause, Hint: e.Hint}}
		n.keepRaw(n.Error.texts())
		if e.Err != nil {
			n.wrap(e.Err)
		}
		return n
	case *api.VerifierError:
		v := *e
		n := errorNode{Verifier: &v}
		n.keepRaw(verifierTexts(&v))
		return n
	case *api.ToolError:
		t := *e
		n := errorNode{Tool: &t}
		n.keepRaw(toolTexts(&t))
		return n
	case api.Kind:
		return errorNode{Kind: e}
	}
	if err == context.Canceled { //nolint:errorlint // the chain is walked link by link
		return errorNode{Context: contextCanceled}
	}
	if err == context.DeadlineExceeded { //nolint:errorlint // the chain is walked link by link
		return errorNode{Context: contextDeadline}
	}
	n := errorNode{Text: err.Error()}
	n.keepRaw(map[string]*string{"text": &n.Text})
	switch e := err.(type) { //nolint:errorlint // the chain is walked link by link
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			n.wrap(inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			n.wrap(inner)
		}
	}
	return n
}

// wrap adds a wrapped error unless nothing in it has a type that matters.
func (n *errorNode) wrap(err error) {
	w := nodeOf(err)
	if !w.typed() {
		n.Wraps = append(n.Wraps, w.Wraps...) // its own text is in its wrapper's
		return
	}
	n.Wraps = append(n.Wraps, w)
}

func (n *errorNode) typed() bool {
	return n.Error != nil || n.Verifier != nil || n.Tool != nil || n.Kind != "" || n.Context != ""
}

// keepRaw moves texts that JSON cannot carry into Raw.
func (n *errorNode) keepRaw(texts map[string]*string) {
	for name, s := range texts {
		if utf8.ValidString(*s) {
			continue
		}
		if n.Raw == nil {
			n.Raw = make(map[string]rawBytes)
		}
		n.Raw[name] = []byte(*s)
		*s = ""
	}
}

func (n *errorNode) restoreRaw(texts map[string]*string) {
	for name, b := range n.Raw {
		if s := texts[name]; s != nil {
			*s = string(b)
		}
	}
}

func (f *errorFields) texts() map[string]*string {
	return map[string]*string{"op": &f.Op, "object": &f.Object, "cause": &f.Cause, "hint": &f.Hint}
}

func verifierTexts(v *api.VerifierError) map[string]*string {
	return map[string]*string{
		"program": &v.Program, "summary": &v.Summary, "file": &v.File, "source": &v.Source,
		"log": &v.Log, "why": &v.Why, "fix": &v.Fix,
	}
}

func toolTexts(t *api.ToolError) map[string]*string {
	return map[string]*string{"tool": &t.Tool, "stderr": &t.Stderr}
}

// decodeError returns the error that encodeError was given, as far as it has
// types here.
func decodeError(b []byte) error {
	var n errorNode
	if err := json.Unmarshal(b, &n); err != nil {
		return api.E("understand", "error", api.ErrEnvironment, err)
	}
	return n.err(0)
}

// maxDepth bounds the nesting of a decoded error; no chain of ours comes near.
const maxDepth = 64

func (n *errorNode) err(depth int) error {
	if depth > maxDepth {
		return errors.New("error nested too deeply")
	}
	switch {
	case n.Error != nil:
		n.restoreRaw(n.Error.texts())
		e := &api.Error{Op: n.Error.Op, Object: n.Error.Object, Kind: n.Error.Kind, Cause: n.Error.Cause, Hint: n.Error.Hint}
		if e.Kind == "" {
			e.Kind = api.ErrFailed
		}
		e.Err = joined(n.children(depth))
		return e
	case n.Verifier != nil:
		n.restoreRaw(verifierTexts(n.Verifier))
		return n.Verifier
	case n.Tool != nil:
		n.restoreRaw(toolTexts(n.Tool))
		return n.Tool
	case n.Kind != "":
		return n.Kind
	case n.Context == contextCanceled:
		return context.Canceled
	case n.Context == contextDeadline:
		return context.DeadlineExceeded
	default:
		n.restoreRaw(map[string]*string{"text": &n.Text})
		return &textError{text: n.Text, wraps: n.children(depth)}
	}
}

func (n *errorNode) children(depth int) []error {
	var errs []error
	for i := range n.Wraps {
		errs = append(errs, n.Wraps[i].err(depth+1))
	}
	return errs
}

func joined(errs []error) error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	default:
		return errors.Join(errs...)
	}
}
