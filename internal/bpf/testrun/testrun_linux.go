package testrun

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

const op = "run program"

// Limits of a request.
const (
	mostRuns  = 1_000_000_000
	mostInput = 1 << 20 // bytes of one input; the kernel takes less for most types
	headroom  = 4096    // how much longer a packet may become
)

// Run implements api.Programs's RunProgram.
func Run(ctx context.Context, req api.ProgramRunRequest) (api.ProgramRunResult, error) {
	if err := ctx.Err(); err != nil {
		return api.ProgramRunResult{}, err
	}
	name := strconv.FormatUint(uint64(req.ProgramID), 10)
	if len(req.Inputs) == 0 || req.Repeat < 0 || len(req.Inputs)*max(req.Repeat, 1) > mostRuns {
		return api.ProgramRunResult{}, api.Errorf(op, name, api.ErrUsage, "it needs an input, and at most 1e9 runs")
	}
	prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(req.ProgramID))
	if err != nil {
		return api.ProgramRunResult{}, explain(name, nil, api.RunInput{}, err)
	}
	defer prog.Close()
	var res api.ProgramRunResult
	for _, in := range req.Inputs {
		run, err := repeat(ctx, prog, in, max(req.Repeat, 1))
		if ctx.Err() != nil {
			return api.ProgramRunResult{}, ctx.Err()
		}
		if err != nil {
			return api.ProgramRunResult{}, explain(name, prog, in, err)
		}
		res.Runs = append(res.Runs, run)
	}
	return res, nil
}

// mostAtOnce is how often the kernel is asked to run in one call, which nothing
// but a signal ends.
const mostAtOnce = 1_000_000

// repeat runs a program so often that it makes up the number, and returns the last
// run with the mean of all times.
func repeat(ctx context.Context, prog *ebpf.Program, in api.RunInput, times int) (api.ProgramRun, error) {
	if len(in.Data) > mostInput || len(in.Context) > mostInput {
		return api.ProgramRun{}, unix.E2BIG
	}
	var run api.ProgramRun
	var total time.Duration
	for left := times; left > 0; {
		if err := ctx.Err(); err != nil {
			return api.ProgramRun{}, err
		}
		n, began, err := min(left, mostAtOnce), time.Now(), error(nil)
		if repeats(prog.Type()) {
			run, err = once(prog, in, n)
			total += run.Duration * time.Duration(n)
		} else {
			n = 1
			run, err = once(prog, in, 0)
			total += time.Since(began)
		}
		if err != nil {
			return api.ProgramRun{}, err
		}
		left -= n
	}
	run.Duration = total / time.Duration(times)
	return run, nil
}

// attr is union bpf_attr's test, from linux/bpf.h. Addresses are pointers so that
// the garbage collector knows of them.
type attr struct {
	progFD, retval      uint32
	dataIn, dataOut     uint32 // sizes
	data, out           unsafe.Pointer
	repeat, duration    uint32
	contextIn           uint32 // sizes
	contextOut          uint32
	context, contextRes unsafe.Pointer
	flags, cpu          uint32
	batch, _            uint32
}

// once is one call of the kernel's.
func once(prog *ebpf.Program, in api.RunInput, repeat int) (api.ProgramRun, error) {
	a := attr{progFD: uint32(prog.FD()), repeat: uint32(repeat)}
	var out, context []byte
	if len(in.Data) > 0 {
		out = make([]byte, len(in.Data)+headroom)
		a.data, a.dataIn = unsafe.Pointer(&in.Data[0]), uint32(len(in.Data))
		a.out, a.dataOut = unsafe.Pointer(&out[0]), uint32(len(out))
	}
	if len(in.Context) > 0 {
		context = slices.Clone(in.Context)
		a.context, a.contextIn = unsafe.Pointer(&context[0]), uint32(len(context))
		if returnsContext(prog.Type()) {
			a.contextRes, a.contextOut = a.context, a.contextIn
		}
	}
	for {
		_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_TEST_RUN, uintptr(unsafe.Pointer(&a)), unsafe.Sizeof(a))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return api.ProgramRun{}, errno
		}
		break
	}
	run := api.ProgramRun{Return: a.retval, Duration: time.Duration(a.duration)}
	if out != nil {
		run.Data = out[:min(int(a.dataOut), len(out))]
	}
	if returnsContext(prog.Type()) || prog.Type() == ebpf.Syscall {
		run.Context = context
	}
	return run, nil
}

// repeats reports whether the kernel repeats a type by itself, and times it.
func repeats(t ebpf.ProgramType) bool {
	switch t {
	case ebpf.RawTracepoint, ebpf.RawTracepointWritable, ebpf.Tracing, ebpf.Syscall:
		return false
	}
	return true
}

// returnsContext reports whether the kernel copies a type's context back to a place
// that it is given. A syscall program's is changed in place.
func returnsContext(t ebpf.ProgramType) bool { return repeats(t) }

// enotsupp is an error of the kernel's own, which it lets out here.
const enotsupp = unix.Errno(524)

// explain says what a type takes, when the kernel refuses what it got.
func explain(name string, prog *ebpf.Program, in api.RunInput, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return api.Errorf(op, name, api.ErrNotExist, "no such program").WithHint("ebpfdev prog list")
	case errors.Is(err, os.ErrPermission) || prog == nil:
		return api.E(op, name, kindOf(err), err).WithHint("ebpfdev doctor")
	}
	kind := "programs of type " + inspect.ProgramType(prog.Type())
	run := func(input string) string { return shell.Join("ebpfdev", "prog", "run", name) + " " + input }
	switch {
	case errors.Is(err, enotsupp), errors.Is(err, unix.EOPNOTSUPP):
		return api.Errorf(op, name, api.ErrNotSupported, "the kernel cannot run "+kind+" by themselves: provoke what it is attached to")
	case takesPackets(prog.Type()) && len(in.Data) < minPacket:
		return api.Errorf(op, name, api.ErrInvalid, kind+" take a packet of at least 14 bytes, as long as Ethernet's header").
			WithHint(run("--pcap FILE"))
	case takesPackets(prog.Type()):
		return api.Errorf(op, name, api.ErrInvalid, "the kernel refuses the packet or its context: "+err.Error())
	case len(in.Context) == 0:
		return api.Errorf(op, name, api.ErrInvalid, kind+" take a context: "+err.Error()).WithHint(run("--context-hex '00 00 00 00 00 00 00 00'"))
	default:
		return api.Errorf(op, name, api.ErrInvalid, "the kernel refuses the input: "+err.Error())
	}
}

func kindOf(err error) api.Kind {
	if errors.Is(err, os.ErrPermission) {
		return api.ErrPermission
	}
	return api.ErrFailed
}

// minPacket is the length of Ethernet's header, which the kernel wants.
const minPacket = 14

func takesPackets(t ebpf.ProgramType) bool {
	switch t {
	case ebpf.XDP, ebpf.SchedCLS, ebpf.SchedACT, ebpf.SocketFilter, ebpf.CGroupSKB, ebpf.SkSKB,
		ebpf.LWTIn, ebpf.LWTOut, ebpf.LWTXmit, ebpf.LWTSeg6Local, ebpf.FlowDissector, ebpf.Netfilter:
		return true
	}
	return false
}
