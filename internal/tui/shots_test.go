package tui

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
)

// TestShots compares the README's picture with what the TUI draws:
//
//	go test ./internal/tui -run Shots -update
//
// draws it anew.
func TestShots(t *testing.T) {
	const w, h = 110, 32
	d := drive(t, shotKernel(), w, h, func(d *driver, o *Options) {
		o.Folder = "/src/execs"
		d.ws.SetStatus(api.Status{Project: "execs", State: "running", Container: "execs", Config: "/src/execs/.devcontainer/devcontainer.json"})
	})
	d.see("last_ppid")
	d.see("6.18.0")
	d.until("the events to be open", func() bool { return d.app.events.ready })
	d.fake.Emit(shotEvents()...)
	d.press("6")
	d.see("git")
	d.press("3", "j", "j")
	d.see("/usr/bin/curl")
	d.settle()
	for row, was := range map[int]string{2: `{"execs":12,"last_pid":30285,"last_ppid":2190}`, 6: `{"execs":135,"last_pid":30433,"last_ppid":2370}`} {
		d.app.entries.page.Entries[row].Value = shotDatum(was)
	}
	page, err := d.fake.QueryMap(t.Context(), api.QueryRequest{Map: api.MapRef{ID: d.app.entries.m.ID}})
	if err != nil {
		t.Fatal(err)
	}
	d.app.entries.take(page) // in which those two have changed
	d.app.conn.latency = 600 * time.Microsecond

	got := svg(d.app.View().Content, "ebpfdev: programs and maps above, the live entries of a map and one of them in full, events below", w, h)
	name := filepath.Join("..", "..", "docs", "img", "tui.svg")
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what the TUI draws; look at it after: go test ./internal/tui -run Shots -update\n%s", name, d.screen())
	}
}

// shotKernel holds a project like the one that the first template makes.
func shotKernel() *apitest.Fake {
	f := apitest.NewEmptyFake()
	f.SetInfo(api.SessionInfo{Target: "container", Container: "execs", Project: "execs", Dir: "/workspaces/execs"})
	var entries []api.Entry
	for i, comm := range []string{"bash", "git", "make", "clang", "go", "curl", "sshd", "sed", "cat", "date", "ls", "cron", "python3", "node"} {
		uid := 1000
		if i%4 == 2 && comm != "make" {
			uid = 0
		}
		key := fmt.Sprintf(`{"comm":%q,"uid":%d}`, comm, uid)
		value := fmt.Sprintf(`{"execs":%d,"last_pid":%d,"last_ppid":%d}`, (i*i*53)%197+1, 30211+i*37, 2100+i*45)
		entry := api.Entry{Key: shotDatum(key), Value: shotDatum(value)}
		entry.Key.Raw = binary.LittleEndian.AppendUint32(append([]byte(comm), make([]byte, 16-len(comm))...), uint32(uid))
		entry.Value.Raw = shotCount((i*i*53)%197+1, 30211+i*37, 2100+i*45)
		entries = append(entries, entry)
	}
	execs := f.AddMap(api.Map{
		ID: 41, Type: "hash", Name: "execs", KeySize: 20, ValueSize: 16, MaxEntries: 4096, BytesMem: 427072,
		KeyType: "struct command", ValueType: "struct count", Readable: true, Project: "execs",
	}, entries...)
	events := f.AddMap(api.Map{ID: 42, Type: "ringbuf", Name: "events", MaxEntries: 262144, Project: "execs"})
	exec := f.AddProgram(api.Program{
		ID: 77, Type: "tracepoint", Name: "on_exec", GPL: true, VerifiedInsns: 970, RunCount: 4211,
		MapIDs: []uint32{execs.ID, events.ID}, Project: "execs",
	})
	f.AddLink(api.Link{ID: 31, Type: "perf_event", ProgramID: exec.ID, Program: exec.Name, Target: "tracepoint sched/sched_process_exec", Project: "execs"})
	return f
}

func shotDatum(text string) api.Datum {
	d, _ := apitest.Datum("struct", 0, text) // it is valid JSON
	return d
}

// shotCount is the bytes of a struct count.
func shotCount(execs, pid, ppid int) []byte {
	raw := binary.LittleEndian.AppendUint64(nil, uint64(execs))
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(raw, uint32(pid)), uint32(ppid))
}

func shotEvents() []api.Event {
	at := time.Date(2026, 1, 2, 12, 1, 44, 21e6, time.UTC)
	var out []api.Event
	for i, args := range []string{"/usr/bin/git status", "/usr/bin/make build", "/usr/bin/clang -O2 -target bpf", "/usr/bin/date", "/usr/bin/curl -s localhost", "/usr/bin/cat /etc/hosts"} {
		name, _, _ := strings.Cut(args, " ")
		list, _ := json.Marshal(strings.Fields(args)) // strings always marshal
		out = append(out, api.Event{
			Kind: api.EventRecord, Map: "events", Time: at.Add(time.Duration(i*73) * time.Millisecond),
			Data: shotDatum(fmt.Sprintf(`{"pid":%d,"ppid":2190,"comm":%q,"args":%s}`, 31020+i, filepath.Base(name), list)),
		})
	}
	return out
}
