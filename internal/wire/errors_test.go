package wire

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// An error looks the same on both sides of the wire: its text, its kind, its
// hint, the types and kinds that are found in it.
func TestErrorsTravel(t *testing.T) {
	tool := &api.ToolError{Tool: "clang", ExitCode: 1, Stderr: "x.c:1: \xff\x1b[2J bad\n"}
	verifier := &api.VerifierError{
		Program: "p", Summary: "R1 invalid mem access 'scalar'", File: "x.bpf.c", Line: 7, Source: "*p = 1;",
		Log: "0: (b7)\n\xfe\n", Truncated: true, Why: "why", Fix: "fix",
	}
	plain := api.Errorf("load", "exec.o", api.ErrInvalid, "no ELF").WithHint("file exec.o")
	for name, err := range map[string]error{
		"plain":             plain,
		"without an object": api.Errorf("probe", "", api.ErrPermission, "no"),
		"without a cause":   &api.Error{Op: "load", Object: "x", Kind: api.ErrTimeout},
		"not UTF-8":         api.Errorf("open", "\xff\xfe", api.ErrNotExist, "\x80").WithHint("rm '\xff'"),
		"verifier":          verifier,
		"tool":              tool,
		"tool in an error":  api.E("build", "x", "", tool),
		"verifier below":    api.E("load", "x", "", fmt.Errorf("program p: %w", verifier)),
		"two of them":       errors.Join(plain, tool),
		"joined in one":     api.E("unload", "p", api.ErrConflict, errors.Join(verifier, plain)),
		"kind":              api.ErrUntrusted,
		"wrapped kind":      fmt.Errorf("exec %q: %w", "x", api.ErrUnreachable),
		"cancelled":         context.Canceled,
		"late":              fmt.Errorf("wait: %w", context.DeadlineExceeded),
		"late in an error":  api.E("wait", "x", "", context.DeadlineExceeded),
		"no type at all":    errors.New("odd \x00 \xff"),
		"of another kind":   api.E("open", "x", "", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}),
		"empty":             errors.New(""),
	} {
		t.Run(name, func(t *testing.T) {
			got := decodeError(encodeError(err))
			if got.Error() != err.Error() || api.KindOf(got) != api.KindOf(err) || api.HintOf(got) != api.HintOf(err) {
				t.Errorf("%q (%q, %q) became %q (%q, %q)", err, api.KindOf(err), api.HintOf(err), got, api.KindOf(got), api.HintOf(got))
			}
			for _, target := range []error{
				api.ErrFailed, api.ErrRejected, api.ErrTool, api.ErrNotExist, api.ErrInvalid, api.ErrUsage, api.ErrEnvironment,
				api.ErrPermission, api.ErrNotSupported, api.ErrUnreachable, api.ErrUntrusted, api.ErrConflict, api.ErrTimeout,
				context.Canceled, context.DeadlineExceeded,
			} {
				if errors.Is(got, target) != errors.Is(err, target) {
					t.Errorf("Is %v: %v, was %v", target, errors.Is(got, target), errors.Is(err, target))
				}
			}
			sameAs[*api.ToolError](t, got, err)
			sameAs[*api.VerifierError](t, got, err)
			sameAs[api.Kind](t, got, err)
		})
	}
	if verifier.Log == "" || tool.Stderr == "" {
		t.Error("encoding changed the error that it was given")
	}
}

// sameAs compares what errors.As finds.
func sameAs[T error](t *testing.T, got, want error) {
	t.Helper()
	var g, w T
	if ok := errors.As(got, &g); ok != errors.As(want, &w) || !reflect.DeepEqual(g, w) {
		t.Errorf("As finds %+v in place of %+v", g, w)
	}
}

func TestErrorThatIsNoError(t *testing.T) {
	for _, text := range []string{"", "{", "[]", "null", `{"text": 7}`} {
		if err := decodeError([]byte(text)); err == nil {
			t.Errorf("%q is no error", text)
		}
	}
}

func FuzzDecodeError(f *testing.F) {
	f.Add(encodeError(api.E("load", "x", "", &api.ToolError{Tool: "go", ExitCode: 1, Stderr: "\xff"})))
	f.Add([]byte(`{"text":"x","wraps":[{"kind":"failed"},{"context":"deadline"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		once := decodeError(data)
		twice := decodeError(encodeError(once))
		if once.Error() != twice.Error() || api.KindOf(once) != api.KindOf(twice) {
			t.Errorf("%q became %q", once, twice)
		}
	})
}
