package attach

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/attach/usdt"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// The maps of libbpf's usdt.bpf.h: what describes the arguments of a probe, and
// which description is meant by an address, for kernels without cookies.
const (
	usdtSpecs = "__bpf_usdt_specs"
	usdtByIP  = "__bpf_usdt_ip_to_spec_id"
)

// usdtProbe attaches to every place of a static probe: PATH:PROVIDER:NAME.
func usdtProbe(j *job) ([]Link, error) {
	const example = "libc.so.6:libc:setjmp"
	p, err := j.place("a file and a static probe of it", example)
	if err != nil {
		return nil, err
	}
	words, err := j.words("pid", "cookie")
	if err != nil {
		return nil, err
	}
	cookie, err := j.number(words, "cookie")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(p.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := usdt.Read(f)
	if err != nil {
		return nil, api.E("attach", j.name, api.ErrInvalid, fmt.Errorf("%s: %w", p.file, err))
	}
	provider, name, ok := strings.Cut(p.symbol, ":")
	if !ok {
		provider, name = "", p.symbol
	}
	places := file.Find(provider, name)
	if len(places) == 0 {
		return nil, j.missing(api.ErrNotExist, fmt.Sprintf("%s has no static probe %s; it has %d others", p.file, p.symbol, len(file.Names())),
			shell.Join("readelf", "--notes", p.file))
	}
	var links []Link
	for _, at := range places {
		l, err := j.usdtAt(p, file, at, uint64(cookie))
		if err != nil {
			closeAll(links)
			return nil, err
		}
		links = append(links, l)
	}
	return links, nil
}

// usdtAt attaches to one place. The cookie of the attachment is the number of the
// arguments' description, as usdt.bpf.h wants it; a program that does not include
// that gets the person's own.
func (j *job) usdtAt(p place, file usdt.File, at usdt.Probe, cookie uint64) (link.Link, error) {
	opts := &link.UprobeOptions{Address: at.Offset, PID: p.pid, RefCtrOffset: at.Semaphore, Cookie: cookie}
	if specs := j.obj.Maps[usdtSpecs]; specs != nil {
		spec, err := usdt.Spec(file.Machine, at.Args, cookie)
		if err != nil {
			return nil, api.E("attach", j.name, api.ErrNotSupported, err)
		}
		id := j.specs
		if err := specs.Put(id, spec); err != nil {
			return nil, fmt.Errorf("describe the arguments of probe %d in %s: %w", id, usdtSpecs, err)
		}
		j.specs++
		opts.Cookie = uint64(id)
		if !haveCookie() {
			opts.Cookie = 0
			if err := j.usdtByAddress(p, file, at, id); err != nil {
				return nil, err
			}
		}
	}
	return p.exe.Uprobe("", j.prog, opts)
}

// haveCookie reports whether an attachment can have a cookie (Linux 5.15).
func haveCookie() bool {
	return !errors.Is(features.HaveProgramHelper(ebpf.Kprobe, asm.FnGetAttachCookie), ebpf.ErrNotSupported)
}

// usdtByAddress tells the program which probe it is at by the address, which has
// to be known: of a file that is always at the same place, or in one process.
func (j *job) usdtByAddress(p place, file usdt.File, at usdt.Probe, id uint32) error {
	byIP := j.obj.Maps[usdtByIP]
	if byIP == nil {
		return nil
	}
	address := at.Address
	if !file.Fixed {
		var err error
		if address, err = mapped(p, at.Offset); err != nil {
			return j.missing(api.ErrNotSupported, "before Linux 5.15 a probe of a library or a position-independent program needs a process: "+err.Error(),
				shell.Join("ebpfdev", "run", "--attach", j.name+"="+j.target+",pid=1"))
		}
	}
	return byIP.Put(address, id)
}

// mapped returns where a process has an offset of a file in its memory.
func mapped(p place, offset uint64) (uint64, error) {
	if p.pid == 0 {
		return 0, errors.New("none is given")
	}
	f, err := os.Open("/proc/" + strconv.Itoa(p.pid) + "/maps")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// 7f0000-7f1000 r-xp 00001000 08:01 1234 /usr/lib/libc.so.6
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 || fields[5] != p.file {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		start, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		off, err3 := strconv.ParseUint(fields[2], 16, 64)
		if errors.Join(err1, err2, err3) == nil && offset >= off && offset-off < end-start {
			return start + offset - off, nil
		}
	}
	return 0, fmt.Errorf("process %d has not mapped %s", p.pid, p.file)
}
