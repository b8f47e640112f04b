package apitest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// SampleObject is what passes for an ELF object with the fake.
func SampleObject() api.Object {
	return api.Object{Name: "probe.o", Path: "bpf/probe.o", Data: []byte("\x7fELF fake")}
}

// NewFake returns a session on a kernel that holds the project "probe": two
// programs, one link and four maps (counts: __u32 to __u64, tasks: __u32 to
// struct task, events: a ring buffer, percpu: one value for each of two CPUs),
// and a program of somebody else.
func NewFake() *Fake {
	f := NewEmptyFake()
	f.AddBTF(sampleBTF(7, ""))
	f.SetCode(sampleCode(21))
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	counts := f.AddMap(api.Map{
		ID: 11, Type: "hash", Name: "counts", KeySize: 4, ValueSize: 8, MaxEntries: 1024, BytesMem: 81920,
		KeyType: "__u32", ValueType: "__u64", Readable: true, Project: "probe", BTFID: 7,
		Pinned: []string{"/sys/fs/bpf/ebpfdev/probe/maps/counts"},
	}, sampleCounts(40)...)
	tasks := f.AddMap(api.Map{
		ID: 12, Type: "lru_hash", Name: "tasks", KeySize: 4, ValueSize: 32, MaxEntries: 256,
		KeyType: "__u32", ValueType: "struct task", Readable: true, Project: "probe",
	}, sampleTasks()...)
	events := f.AddMap(api.Map{
		ID: 13, Type: "ringbuf", Name: "events", MaxEntries: 262144, Project: "probe",
	})
	f.AddMap(api.Map{
		ID: 14, Type: "percpu_array", Name: "percpu", KeySize: 4, ValueSize: 8, MaxEntries: 1,
		KeyType: "__u32", ValueType: "__u64", PerCPU: true, Readable: true, Project: "probe",
	}, api.Entry{Key: number(0, 4), Value: number(7, 8), PerCPU: []api.Datum{number(7, 8), number(35, 8)}})
	exec := f.AddProgram(api.Program{
		ID: 21, Type: "tracepoint", Name: "handle_exec", Tag: "a1b2c3d4e5f60718", GPL: true, LoadedAt: at,
		BytesXlated: 584, BytesJited: 371, BytesMem: 4096, VerifiedInsns: 120, RunCount: 4211,
		RunTime: 3 * time.Millisecond, MapIDs: []uint32{counts.ID, tasks.ID, events.ID}, Project: "probe", BTFID: 7,
		Pinned: []string{"/sys/fs/bpf/ebpfdev/probe/progs/handle_exec"},
	})
	f.AddProgram(api.Program{
		ID: 22, Type: "xdp", Name: "count_packets", Tag: "0011223344556677", GPL: true, LoadedAt: at,
		BytesXlated: 128, BytesJited: 90, VerifiedInsns: 16, MapIDs: []uint32{14}, Project: "probe",
	})
	f.AddProgram(api.Program{
		ID: 3, Type: "cgroup_device", Name: "sd_devices", Tag: "ffeeddccbbaa9988", GPL: true, LoadedAt: at,
		BytesXlated: 504, Owners: []api.Owner{{PID: 1, Comm: "systemd"}},
	})
	f.AddLink(api.Link{
		ID: 31, Type: "perf_event", ProgramID: exec.ID, Program: exec.Name,
		Target: "tracepoint sched/sched_process_exec", Project: "probe",
	})
	return f
}

func number(n uint64, size uint32) api.Datum {
	typ := "__u32"
	if size == 8 {
		typ = "__u64"
	}
	d, _ := Datum(typ, size, fmt.Sprint(n)) // a number always fits here
	return d
}

func sampleCounts(n int) []api.Entry {
	var out []api.Entry
	for i := range uint64(n) {
		out = append(out, api.Entry{Key: number(1000+i, 4), Value: number((i*i*37)%1000+1, 8)})
	}
	return out
}

func sampleTasks() []api.Entry {
	var out []api.Entry
	for i, comm := range []string{"bash", "curl", "日本語", "evil\x1b[2J", "make", "😀"} {
		text, _ := json.Marshal(comm) // a string always marshals
		value, _ := Datum("struct task", 32, fmt.Sprintf(
			`{"pid":%d,"uid":%d,"comm":%s,"io":{"read":%d,"written":%d},"cpus":[0,1]}`, 100+i, i%2*1000, text, i*4096, i*512))
		out = append(out, api.Entry{Key: number(uint64(100+i), 4), Value: value})
	}
	return out
}

func sampleKernel() api.Kernel {
	mount := func(path string) api.Mount { return api.Mount{Path: path, Mounted: true} }
	return api.Kernel{
		Release: "6.18.0", Version: "#1 SMP", Machine: "x86_64", CPUs: 2, BTF: true, BTFBytes: 6 << 20,
		BPFFS: mount("/sys/fs/bpf"), TraceFS: mount("/sys/kernel/tracing"), Cgroup2: mount("/host/cgroup2"),
		JIT: "on", Lockdown: "none", Unprivileged: "disabled", Memlock: "unlimited",
		Caps: []string{"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_ADMIN"}, Container: true, HostPID: true,
		Features: []api.Feature{{Name: "ringbuf", Available: true}, {Name: "kprobe", Reason: "not built in"}},
	}
}

func sampleBuild() api.BuildResult {
	return api.BuildResult{Framework: "ebpf-go", Objects: []api.Object{SampleObject()}}
}

func sampleLoad(object string) *api.LoadResult {
	return &api.LoadResult{
		Programs: []api.Program{{Type: "tracepoint", Name: stem(object), Tag: "a1b2c3d4e5f60718", GPL: true}},
		Maps: []api.Map{{
			Type: "hash", Name: "counts", KeySize: 4, ValueSize: 8, MaxEntries: 1024,
			KeyType: "__u32", ValueType: "__u64", Readable: true,
		}},
		Links: []api.Link{{Type: "perf_event", Program: stem(object), Target: "tracepoint sched/sched_process_exec"}},
	}
}
