//go:build kernel

package verify_test

import (
	_ "embed"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/object"
	"github.com/ebpfdev/ebpfdev/internal/bpf/verify"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

//go:generate clang -target bpf -O2 -g -Wall -Werror -ffile-prefix-map=$PWD=. -c testdata/mixed.bpf.c -o testdata/mixed.bpf.o
//go:generate llvm-strip -g testdata/mixed.bpf.o

//go:embed testdata/mixed.bpf.o
var mixed []byte

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

func run(t *testing.T, req api.VerifyRequest) map[string]api.ProgramReport {
	t.Helper()
	kerneltest.Require(t)
	req.Object = api.Object{Name: "mixed.bpf.o", Data: mixed}
	spec, err := object.Parse(req.Object)
	if err != nil {
		t.Fatal(err)
	}
	before := spec.Copy()
	res, err := verify.Object(t.Context(), spec, req, btf.NewCache())
	if err != nil {
		t.Fatal(err)
	}
	if len(spec.Maps["jumps"].Contents) != len(before.Maps["jumps"].Contents) || spec.Maps["empty"].MaxEntries != 0 {
		t.Error("verifying has changed the caller's specification")
	}
	reports := map[string]api.ProgramReport{}
	for _, r := range res.Programs {
		reports[r.Program] = r
	}
	return reports
}

func TestVerdicts(t *testing.T) {
	reports := run(t, api.VerifyRequest{})
	for program, want := range map[string]struct {
		verdict api.Verdict
		reason  string
	}{
		"caller":      {api.VerdictAccepted, ""},
		"tail":        {api.VerdictAccepted, ""}, // its program array is filled from the object
		"uses_empty":  {api.VerdictAccepted, ""}, // a map that its loader sizes
		"reads_conf":  {api.VerdictAccepted, ""}, // .rodata with its content
		"out_of_it":   {api.VerdictRejected, "invalid access to map value"},
		"no_function": {api.VerdictError, "no_such_kernel_function"},
		"no_type":     {api.VerdictError, "names no type"},
		"bad_map":     {api.VerdictError, "map create"},
		"branches":    {api.VerdictRejected, ""},
	} {
		got, ok := reports[program]
		if !ok || got.Verdict != want.verdict || !strings.Contains(got.Reason, want.reason) {
			t.Errorf("%s: verdict %q, reason %q, want %q with %q", program, got.Verdict, got.Reason, want.verdict, want.reason)
		}
	}
	if r := reports["branches"]; r.Why == "" {
		t.Errorf("a program with too many branches: %+v", r)
	}
}

// The figures are those of the kernel's own log, as veristat reads it.
func TestFigures(t *testing.T) {
	r := run(t, api.VerifyRequest{Programs: []string{"caller"}})["caller"]
	if r.Insns == 0 || r.ProgramSize == 0 || r.BytesXlated == 0 || r.VerificationTime == 0 {
		t.Errorf("figures are missing: %+v", r)
	}
	// Two functions with 64 and 32 bytes on the stack.
	if r.StackDepth != 96 {
		t.Errorf("stack depth = %d, want 96", r.StackDepth)
	}
	full := run(t, api.VerifyRequest{Programs: []string{"caller"}, FullLog: true})["caller"]
	if full.Insns != r.Insns || full.States != r.States || full.StackDepth != r.StackDepth || full.ProgramSize != r.ProgramSize {
		t.Errorf("at level 2 the figures are %+v, at level 4 %+v", full, r)
	}
	if !strings.Contains(full.Log, "(95) exit") {
		t.Errorf("the full log is %q", full.Log)
	}
}

// What this process holds no descriptor of, and has pinned nowhere, is gone.
func TestNothingStays(t *testing.T) {
	run(t, api.VerifyRequest{})
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		target, _ := os.Readlink("/proc/self/fd/" + fd.Name())
		if target == "anon_inode:bpf-prog" || target == "anon_inode:bpf-map" {
			t.Errorf("descriptor %s is still a %s", fd.Name(), target)
		}
	}
	if pins, err := os.ReadDir(kerneltest.BPFFS + "/ebpfdev"); err == nil {
		t.Errorf("there are pins: %v", pins)
	}
}
