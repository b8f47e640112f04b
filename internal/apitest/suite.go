// Package apitest holds what tests of api implementations and of their users
// share: Run, the one conformance suite that every api.Target must pass, and
// Fake, a session in memory for frontends.
package apitest

import (
	"context"
	"crypto/rand"
	_ "embed" // the objects
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

//go:generate clang -target bpf -O2 -g -Wall -Werror -ffile-prefix-map=$PWD=. -c testdata/count.bpf.c -o testdata/count.bpf.o
//go:generate llvm-strip -g testdata/count.bpf.o
//go:generate clang -target bpf -O2 -g -Wall -Werror -ffile-prefix-map=$PWD=. -c testdata/reject.bpf.c -o testdata/reject.bpf.o
//go:generate llvm-strip -g testdata/reject.bpf.o

var (
	//go:embed testdata/count.bpf.o
	countObject []byte
	//go:embed testdata/reject.bpf.o
	rejectObject []byte
)

// What CountObject holds. One name is longer than the 15 bytes that the kernel
// keeps.
const (
	CountProgram = "count_calls"           // raw_tracepoint/sys_enter
	CountsMap    = "counts"                // hash, __u32 to __u64: system calls by number
	ScoresMap    = "scores"                // hash, __u32 to __u64: nobody writes to it
	SettingsMap  = "settings_of_the_suite" // hash, __u32 to struct limits
	EventsMap    = "events"                // ring buffer of struct event
	CountGlobal  = "sample_every"          // const volatile __u32
)

// CountObject is an object that counts all system calls of the machine and
// sends a sample of them as events and logs. It needs Linux 5.8.
func CountObject() api.Object {
	return api.Object{Name: "count.bpf.o", Data: slices.Clone(countObject)}
}

// What RejectObject holds, apart from a program that is accepted.
const (
	RejectedProgram = "unchecked_lookup"
	RejectedFile    = "testdata/reject.bpf.c"
)

// RejectObject is an object with one program that every verifier refuses.
func RejectObject() api.Object {
	return api.Object{Name: "reject.bpf.o", Data: slices.Clone(rejectObject)}
}

// Options say what an implementation cannot do, so that the suite leaves it
// out. The zero value asks for everything, as a real kernel must offer.
type Options struct {
	// NoKernel: nothing is really loaded. Objects are not looked into, so what
	// depends on their content (the verifier's refusal, figures, entries and
	// events that a program makes) is left out.
	NoKernel bool
	// NoPins: LifetimePinned is not possible, or ends with the target.
	NoPins bool
	// NoLogs: StreamEvents cannot read what programs print.
	NoLogs bool
	// Loader is the argv, on the target's side, of a process that loads
	// LoaderProgram and LoaderMap: a test binary with kerneltest.LoaderWord. It is
	// needed unless NoKernel is set.
	Loader []string
	// NoLibrary: there is no libc beside the kernel whose functions can be looked up.
	NoLibrary bool
	// NoCgroups: no hierarchy of cgroups (version 2) is mounted where the target is.
	NoCgroups bool
	// Kill kills a process on the target's side; nil for one of this machine's.
	Kill func(ctx context.Context, target api.Target, pid int) error
}

// patience is how long one part of the suite may take before it has failed.
const patience = 60 * time.Second

// suite is what the parts share.
type suite struct {
	open func(t *testing.T) api.Target
	opts Options
}

// Run runs the conformance suite. open returns a new target to the same
// kernel; it is called at least once for each part, and the suite closes what
// it returns.
func Run(t *testing.T, open func(t *testing.T) api.Target, opts Options) {
	t.Helper()
	s := &suite{open: open, opts: opts}
	for _, part := range []struct {
		name  string
		skip  bool
		check func(*testing.T)
	}{
		{"LoadSession", false, s.loadSession},
		{"LoadPinned", opts.NoPins, s.loadPinned},
		{"LoadConflict", false, s.loadConflict},
		{"LoadReplace", false, s.loadReplace},
		{"LoadNoAttach", false, s.loadNoAttach},
		{"LoadSet", opts.NoKernel, s.loadSet},
		{"LoadRejected", opts.NoKernel, s.loadRejected},
		{"LoadInvalid", opts.NoKernel, s.loadInvalid},
		{"LoadMaps", opts.NoKernel, s.loadMaps},
		{"UnloadNames", false, s.unloadNames},
		{"UnloadNothing", false, s.unloadNothing},
		{"ProcessSession", false, s.processSession},
		{"ProcessPinned", opts.NoPins, s.processPinned},
		{"ProcessConflict", false, s.processConflict},
		{"ProcessUsage", false, s.processUsage},
		{"ProcessFails", opts.NoKernel, s.processFails},
		{"ProcessDies", opts.NoKernel, s.processDies},
		{"ProcessCancelled", opts.NoKernel, s.processCancelled},
		{"ProcessChildren", opts.NoKernel, s.processChildren},
		{"ProcessDeaf", opts.NoKernel, s.processDeaf},
		{"ProcessFloods", opts.NoKernel, s.processFloods},
		{"ListFilters", false, s.listFilters},
		{"Places", false, s.places},
		{"Detach", opts.NoKernel, s.detach},
		{"EditAndQuery", false, s.editAndQuery},
		{"EditExpect", false, s.editExpect},
		{"EditStruct", opts.NoKernel, s.editStruct},
		{"QueryErrors", false, s.queryErrors},
		{"Export", false, s.export},
		{"ExportSelects", false, s.exportSelects},
		{"Lookup", false, s.lookup},
		{"Stats", false, s.stats},
		{"Watch", false, s.watch},
		{"Counts", opts.NoKernel, s.counts},
		{"Events", opts.NoKernel, s.events},
		{"EventsTap", opts.NoKernel, s.eventsTap},
		{"Logs", opts.NoKernel || opts.NoLogs, s.logs},
		{"EventsCallbackError", opts.NoKernel, s.eventsCallbackError},
		{"RunProgram", opts.NoKernel, s.runProgram},
		{"MeasurePrograms", false, s.measurePrograms},
		{"Verify", opts.NoKernel, s.verify},
		{"VerifyFullLog", opts.NoKernel, s.verifyFullLog},
		{"Probe", false, s.probe},
		{"Resolve", false, s.resolve},
		{"Code", opts.NoKernel, s.code},
		{"CodeErrors", false, s.codeErrors},
		{"BTF", false, s.btf},
		{"BTFErrors", false, s.btfErrors},
		{"BTFOfPrograms", opts.NoKernel, s.btfOfPrograms},
		{"Cancelled", false, s.cancelled},
		{"Close", false, s.close},
	} {
		if !part.skip {
			t.Run(part.name, part.check)
		}
	}
}

// target opens a target that is closed when the test ends.
func (s *suite) target(t *testing.T) (context.Context, api.Target) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	target := s.open(t)
	t.Cleanup(func() {
		cancel()
		if err := target.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return ctx, target
}

// project returns a name that nobody else uses and unloads it in the end.
func (s *suite) project(t *testing.T, target api.Target) string {
	t.Helper()
	name := "apitest." + strings.ToLower(rand.Text()[:12])
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		_, err := target.Unload(ctx, api.UnloadRequest{Project: name})
		if err != nil && !errors.Is(err, api.ErrUnreachable) {
			t.Errorf("Unload %s: %v", name, err)
		}
	})
	return name
}

// loaded loads CountObject for as long as the target lives.
func (s *suite) loaded(t *testing.T) (context.Context, api.Target, api.LoadResult) {
	t.Helper()
	ctx, target := s.target(t)
	res, err := target.Load(ctx, api.LoadRequest{
		Project: s.project(t, target), Object: CountObject(), Lifetime: api.LifetimeSession,
	})
	must(t, "Load", err)
	return ctx, target, res
}

func must(t *testing.T, op string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
}

func wantKind(t *testing.T, op string, err error, kind api.Kind) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: error %v (kind %q), want kind %q", op, err, api.KindOf(err), kind)
	}
}
