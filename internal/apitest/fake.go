// Package apitest has what tests of package api need: a suite that every target
// has to pass, and fakes in memory for frontends.
package apitest

import (
	"context"
	"sync"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Fake is an api.Session in memory. It keeps the contract of package api as far
// as plain data can, so that a frontend can be tested without a kernel.
//
// Its zero value is not usable; NewFake gives one with the programs, maps and
// link of a small project, NewEmptyFake one with nothing in it. All methods may
// be called from any goroutine.
type Fake struct {
	mu        sync.Mutex
	info      api.SessionInfo
	kernel    api.Kernel
	points    []api.AttachPoint
	programs  []api.Program
	links     []api.Link
	runs      []*fakeProcess
	lastWords []api.OutputLine
	maps      []*fakeMap
	codes     map[uint32]api.Code
	btfs      []api.BTFData
	nextID    uint32
	events    []*eventQueue
	calls     map[string]int
	total     int
	errors    map[string]error
	hanging   map[string]bool
	closed    bool
	changed   chan struct{} // closed and replaced by every change

	load   *api.LoadResult
	verify *api.VerifyResult
	said   []api.BuildEvent
	built  api.BuildResult
	loaded []api.LoadRequest
}

var _ api.Session = (*Fake)(nil)

// NewEmptyFake returns a session on a kernel that holds nothing.
func NewEmptyFake() *Fake {
	return &Fake{
		info: api.SessionInfo{
			Target: "container", Container: "ebpfdev-probe", Project: "probe",
			Dir: "/workspaces/probe", Version: "test",
		},
		kernel:  sampleKernel(),
		points:  samplePoints(),
		codes:   map[uint32]api.Code{},
		btfs:    []api.BTFData{sampleBTF(1, api.KernelBTF)},
		nextID:  100,
		calls:   map[string]int{},
		errors:  map[string]error{},
		hanging: map[string]bool{},
		changed: make(chan struct{}),
		built:   sampleBuild(),
	}
}

// Calls returns how often a method was called: "QueryMap". An empty name
// counts all methods but Info.
func (f *Fake) Calls(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if method == "" {
		return f.total
	}
	return f.calls[method]
}

// Fail lets a method fail with err from now on, running streams too; nil ends
// that. An empty name stands for all methods but Close.
func (f *Fake) Fail(method string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		delete(f.errors, method)
	} else {
		f.errors[method] = err
	}
	f.touch()
}

// Hang lets a method block until its context ends, for tests of cancellation.
func (f *Fake) Hang(method string, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hanging[method] = on
	f.touch()
}

// Loads returns the load requests that came so far.
func (f *Fake) Loads() []api.LoadRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]api.LoadRequest(nil), f.loaded...)
}

// SetInfo replaces what Info returns.
func (f *Fake) SetInfo(info api.SessionInfo) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.info = info
}

// SetKernel replaces what Probe returns.
func (f *Fake) SetKernel(k api.Kernel) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kernel = k
}

// SetLoad sets what the next loads put into the kernel. Without it a load makes
// a program and a map named after the object.
func (f *Fake) SetLoad(res api.LoadResult) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.load = &res
}

// SetVerify sets what Verify returns. Without it everything is accepted.
func (f *Fake) SetVerify(res api.VerifyResult) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.verify = &res
}

// SetBuild sets what Build says and returns.
func (f *Fake) SetBuild(said []api.BuildEvent, res api.BuildResult) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said, f.built = said, res
}

// Info implements api.Session.
func (f *Fake) Info() api.SessionInfo {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.info
}

// Probe implements api.Prober.
func (f *Fake) Probe(ctx context.Context, _ api.ProbeRequest) (api.Kernel, error) {
	if err := f.enter(ctx, "Probe"); err != nil {
		return api.Kernel{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kernel, nil
}

// Close implements api.Target. What was loaded stays in the fake.
func (f *Fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls["Close"]++
	f.closed = true
	f.touch()
	return nil
}

// Reopen undoes Close, as a new connection to the same kernel would.
func (f *Fake) Reopen() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = false
}

// enter counts a call and returns the error that it has to fail with.
func (f *Fake) enter(ctx context.Context, method string) error {
	f.mu.Lock()
	f.calls[method]++
	f.total++
	f.mu.Unlock()
	for {
		f.mu.Lock()
		err, hang, changed := f.failure(method), f.hanging[method], f.changed
		f.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		case !hang:
			return nil
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// failure returns the error that a method has to fail with now. f.mu is held.
func (f *Fake) failure(method string) error {
	if f.closed {
		return api.Errorf(method, "", api.ErrUnreachable, "the session is closed")
	}
	if err := f.errors[method]; err != nil {
		return err
	}
	return f.errors[""]
}

// touch wakes whoever waits for a change. f.mu is held.
func (f *Fake) touch() {
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *Fake) id() uint32 {
	f.nextID++
	return f.nextID
}
