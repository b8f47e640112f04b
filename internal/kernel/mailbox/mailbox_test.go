package mailbox_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/kernel/mailbox"
)

func newPages(n int) [][]byte {
	pages := make([][]byte, n)
	for i := range pages {
		pages[i] = make([]byte, mailbox.PageSize)
	}
	return pages
}

// pair opens both sides of a mailbox; the bell is a pipe without a buffer.
func pair(t *testing.T, pages [][]byte) (host, guest *mailbox.Conn) {
	t.Helper()
	if err := mailbox.Format(pages); err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	host, err := mailbox.Open(mailbox.Host, pages, a)
	if err != nil {
		t.Fatal(err)
	}
	guest, err = mailbox.Open(mailbox.Guest, pages, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close(); _ = guest.Close() })
	return host, guest
}

// More bytes than the rings hold, in both directions at once, in pieces of all sizes.
func TestBothDirections(t *testing.T) {
	for _, pages := range []int{3, 4, 9} {
		host, guest := pair(t, newPages(pages))
		sent := make([]byte, 1<<20+13)
		_, _ = rand.Read(sent)
		errs := make(chan error, 3)
		go func() { // the guest sends back what it gets
			_, err := io.CopyBuffer(struct{ io.Writer }{guest}, io.LimitReader(guest, int64(len(sent))), make([]byte, 777))
			errs <- err
		}()
		go func() {
			for rest, n := sent, 1; len(rest) > 0; n = n*3 + 1 {
				n = min(n%9000, len(rest))
				if _, err := host.Write(rest[:n]); err != nil {
					errs <- err
					return
				}
				rest = rest[n:]
			}
			errs <- nil
		}()
		got := make([]byte, len(sent))
		_, err := io.ReadFull(host, got)
		if err = errors.Join(err, <-errs, <-errs); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, sent) {
			t.Errorf("%d pages: what came back differs", pages)
		}
	}
}

func TestEnd(t *testing.T) {
	host, guest := pair(t, newPages(3))
	if _, err := guest.Write([]byte("last words")); err != nil {
		t.Fatal(err)
	}
	if err := guest.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(host)
	if err != nil || string(got) != "last words" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := host.Write(make([]byte, 3*mailbox.PageSize)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("write to nobody: %v", err)
	}
}

// Close ends whoever waits, and from then on nobody looks at the memory.
func TestCloseWhileWaiting(t *testing.T) {
	pages := newPages(3)
	host, _ := pair(t, pages)
	ended := make(chan error, 2)
	go func() { _, err := host.Read(make([]byte, 1)); ended <- err }()
	go func() { _, err := host.Write(make([]byte, 4*mailbox.PageSize)); ended <- err }()
	if err := host.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-ended; err == nil {
			t.Error("a read or a write of a closed mailbox had no error")
		}
	}
	for i := range pages {
		pages[i] = nil
	}
	if _, err := host.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Read: %v", err)
	}
	if _, err := host.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write: %v", err)
	}
}

// A guest that writes nonsense into the indices breaks its stream only.
func TestDamaged(t *testing.T) {
	pages := newPages(3)
	host, _ := pair(t, pages)
	binary.LittleEndian.PutUint64(pages[0][64:], 1<<40)
	if _, err := host.Read(make([]byte, 10)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("read from a damaged mailbox: %v", err)
	}
	binary.LittleEndian.PutUint64(pages[0][256:], 1)
	if _, err := host.Write([]byte("x")); err == nil {
		t.Error("wrote to a damaged mailbox")
	}
	clear(pages[0])
	a, _ := net.Pipe()
	if _, err := mailbox.Open(mailbox.Host, pages, a); err == nil {
		t.Error("opened what is no mailbox")
	}
	if err := mailbox.Format(newPages(2)); err == nil {
		t.Error("made a mailbox of two pages")
	}
}
