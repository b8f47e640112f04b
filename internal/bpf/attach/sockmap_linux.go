package attach

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// sockmap attaches to a sockmap or sockhash of the object: with a link (Linux 6.10)
// or, before that, to the map itself, where it stays as long as the map does.
func sockmap(j *job) ([]Link, error) {
	hook, err := sockmapHook(j)
	if err != nil {
		return nil, err
	}
	m, closeMap, err := j.mapNamed(ebpf.SockMap, ebpf.SockHash)
	if err != nil {
		return nil, err
	}
	l, err := link.AttachRawLink(link.RawLinkOptions{Target: m.FD(), Program: j.prog, Attach: hook})
	if err == nil {
		closeMap()
		return []Link{l}, nil
	}
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, link.ErrNotSupported) {
		closeMap()
		return nil, err
	}
	if err := link.RawAttachProgram(link.RawAttachProgramOptions{Target: m.FD(), Program: j.prog, Attach: hook}); err != nil {
		closeMap()
		return nil, err
	}
	prog, err := j.prog.Clone()
	if err != nil {
		closeMap()
		return nil, err
	}
	detach := func() error {
		defer closeMap()
		defer prog.Close()
		return link.RawDetachProgram(link.RawDetachProgramOptions{Target: m.FD(), Program: prog, Attach: hook})
	}
	return []Link{&linkless{stays: true, close: detach}}, nil
}

func sockmapHook(j *job) (ebpf.AttachType, error) {
	hook := j.spec.AttachType
	if j.spec.Type == ebpf.SkMsg {
		return ebpf.AttachSkMsgVerdict, nil
	}
	hooks := map[string]ebpf.AttachType{
		"stream_parser": ebpf.AttachSkSKBStreamParser, "stream_verdict": ebpf.AttachSkSKBStreamVerdict, "verdict": ebpf.AttachSkSKBVerdict,
	}
	if j.mode == "" && hook != ebpf.AttachNone {
		return hook, nil
	}
	hook, ok := hooks[j.mode]
	if !ok && j.target != "" {
		return 0, j.usage(fmt.Sprintf("no part %q of a sockmap; there is stream_parser, stream_verdict, verdict", j.mode), j.target+",verdict")
	}
	return hook, nil
}

// mapNamed returns the map of the object that the target names, and what lets go
// of it. The map is a duplicate, so that it outlives the object's own.
func (j *job) mapNamed(types ...ebpf.MapType) (*ebpf.Map, func(), error) {
	what, example := "a map of the object", "MAP"
	if len(types) > 0 {
		what = fmt.Sprintf("a map of the object of type %s", types[0])
	}
	fits := func(m *ebpf.Map) bool { return len(types) == 0 || slices.Contains(types, m.Type()) }
	for _, name := range j.obj.MapNames() {
		if fits(j.obj.Maps[name]) && !strings.HasPrefix(name, ".") {
			example = name
			break
		}
	}
	m := j.obj.Maps[j.target]
	if m == nil && j.target != "" {
		return nil, nil, j.usage("the object has no map "+j.target, example)
	}
	if m == nil {
		return nil, nil, needs(j, what, example)
	}
	if !fits(m) {
		return nil, nil, j.usage(fmt.Sprintf("the map %s is of type %s", j.target, m.Type()), example)
	}
	dup, err := m.Clone()
	if err != nil {
		return nil, nil, api.E("attach", j.name, api.ErrFailed, err)
	}
	return dup, func() { _ = dup.Close() }, nil
}
