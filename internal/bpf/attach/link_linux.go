package attach

import (
	"errors"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Link is an attachment: a bpf_link of cilium/ebpf, or what stands in for one.
type Link interface {
	// Info and Pin fail with link.ErrNotSupported when there is no bpf_link.
	Info() (*link.Info, error)
	Pin(path string) error
	// Update puts another program in the place of the one that is attached, with
	// no gap, or fails with link.ErrNotSupported.
	Update(*ebpf.Program) error
	// Close ends the attachment, unless it is pinned.
	Close() error
}

// linkless is an attachment without a bpf_link.
type linkless struct {
	why    string // it cannot be pinned
	where  string // what it is attached to, to find it again; "" for never
	stays  bool   // it lives as long as the map that it is on, which is pinned instead
	update func(*ebpf.Program) error
	close  func() error
}

// Info fails with link.ErrNotSupported.
func (l *linkless) Info() (*link.Info, error) { return nil, link.ErrNotSupported }

// Pin fails with link.ErrNotSupported.
func (l *linkless) Pin(string) error { return link.ErrNotSupported }

// Update implements Link.
func (l *linkless) Update(prog *ebpf.Program) error {
	if l.update == nil {
		return link.ErrNotSupported
	}
	return l.update(prog)
}

// Close implements Link.
func (l *linkless) Close() error { return l.close() }

// Pinnable reports why a link cannot outlive its process. Perf events are
// attached by links since Linux 5.15, cgroups since 5.7 and tc since 6.6; before
// that they end with who attached them, or have to. Errors: ErrNotSupported.
func Pinnable(program string, l Link) error {
	refused := func(why string) error {
		return api.Errorf("pin link of", program, api.ErrNotSupported, why).WithHint("ebpfdev run")
	}
	if own, ok := l.(*linkless); ok {
		if own.stays {
			return nil
		}
		return refused(own.why)
	}
	if _, err := l.Info(); errors.Is(err, link.ErrNotSupported) {
		return refused("this kernel ends such an attachment with its process")
	}
	return nil
}

// Stays reports that an attachment needs no pin of its own: it is on a map, and
// goes with that.
func Stays(l Link) bool {
	own, ok := l.(*linkless)
	return ok && own.stays
}
