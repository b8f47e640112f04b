package near_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/near"
)

func TestNames(t *testing.T) {
	tracepoints := []string{
		"sched/sched_process_exec", "sched/sched_process_exit", "sched/sched_process_fork", "sched/sched_switch",
		"syscalls/sys_enter_openat", "syscalls/sys_enter_openat2", "syscalls/sys_exit_openat", "tcp/tcp_probe",
	}
	libc := []string{"malloc", "calloc", "realloc", "malloc_usable_size", "free", "getaddrinfo", "a", "b"}
	templates := []string{"ebpf-go", "libbpf", "libbpf-cpp", "bpftrace", "bcc-python", "aya"}
	for _, tt := range []struct {
		name, want string
		from       []string
		n          int
		near       []string
	}{
		{"letters change places", "sched/sched_process_exce", tracepoints, 1, []string{"sched/sched_process_exec"}},
		{"before letters that differ", "sched/sched_process_exti", tracepoints, 3, []string{"sched/sched_process_exit", "sched/sched_process_exec"}},
		{"the nearest first", "sched/sched_process_exe", tracepoints, 2, []string{"sched/sched_process_exec", "sched/sched_process_exit"}},
		{"words in it", "sched_exec", tracepoints, 3, []string{"sched/sched_process_exec"}},
		{"another separator", "sched:sched_process_exec", tracepoints, 1, []string{"sched/sched_process_exec"}},
		{"no category", "sched_process_exec", tracepoints, 1, []string{"sched/sched_process_exec"}},
		{"another category", "raw_syscalls/sys_enter_openat", tracepoints, 1, []string{"syscalls/sys_enter_openat"}},
		{"a part", "openat", tracepoints, 9, []string{"syscalls/sys_exit_openat", "syscalls/sys_enter_openat", "syscalls/sys_enter_openat2"}},
		{"upper case", "MALLOC", libc, 1, []string{"malloc"}},
		{"a letter less", "mallc", libc, 2, []string{"malloc", "calloc"}},
		{"words before far letters", "malloc_size", libc, 1, []string{"malloc_usable_size"}},
		{"a letter is too little", "c", libc, 3, nil},
		{"two letters are too few to look for", "al", libc, 3, nil},
		{"nothing near", "pthread_create", libc, 3, nil},
		{"spaces", "ebpf go", templates, 1, []string{"ebpf-go"}},
		{"a short name", "aja", templates, 3, []string{"aya"}},
		{"a shorter name", "bcc", templates, 3, []string{"bcc-python"}},
		{"each once", "fre", []string{"free", "free", "free"}, 3, []string{"free"}},
		{"not ASCII", "größa", []string{"Maße", "Größe", "größer"}, 3, []string{"Größe", "größer"}},
		{"none that are far beside one that is near", "größe", []string{"Größe", "größer"}, 3, []string{"Größe"}},
		{"none wanted", "malloc", libc, 0, nil},
		{"no name", "", libc, 3, nil},
		{"separators alone", "/", libc, 3, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := near.Names(tt.want, tt.from, tt.n); !slices.Equal(got, tt.near) {
				t.Errorf("Names(%q) = %q, want %q", tt.want, got, tt.near)
			}
		})
	}
}

// Names of any length end in time, and a long one is found by its words.
func TestNamesOfAnyLength(t *testing.T) {
	long := strings.Repeat("very_", 20_000) + "long"
	if got := near.Names("very_long", []string{long, long + "er"}, 1); !slices.Equal(got, []string{long}) {
		t.Errorf("got %d names", len(got))
	}
	if got := near.Names(long, []string{"long", long + "er"}, 3); len(got) != 1 {
		t.Errorf("got %d names", len(got))
	}
}

func FuzzNames(f *testing.F) {
	f.Add("sched/sched_process_exce", "sched/sched_process_exec")
	f.Add("é/ß", "\xff:")
	f.Add("İ/i", "İ:İ")
	f.Fuzz(func(t *testing.T, want, name string) {
		if got := near.Names(want, []string{name, name}, 3); len(got) > 1 {
			t.Errorf("%q twice", got)
		}
	})
}

func BenchmarkNames(b *testing.B) {
	verbs := []string{"alloc", "free", "open", "close", "read", "write", "lookup", "release", "init", "exit"}
	var symbols []string
	for i := range 100_000 {
		symbols = append(symbols, fmt.Sprintf("__%s_subsystem%d_%s", verbs[i%10], i%997, verbs[i/10%10]))
	}
	for _, want := range []string{"vfs_raed", "__alloc_subsystem12_fre", "subsystem"} {
		b.Run(want, func(b *testing.B) {
			for b.Loop() {
				near.Names(want, symbols, 3)
			}
		})
	}
}
