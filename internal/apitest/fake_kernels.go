package apitest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// FakeKernels is an api.Kernels that downloads nothing.
type FakeKernels struct {
	Err error // what Fetch and Remove fail with

	mu       sync.Mutex
	entries  []api.KernelEntry
	requests []api.KernelRequest
}

var _ api.Kernels = (*FakeKernels)(nil)

// NewFakeKernels returns one kernel that is here and one that can be fetched.
func NewFakeKernels() *FakeKernels {
	return &FakeKernels{entries: []api.KernelEntry{
		{KernelImage: api.KernelImage{
			Series: "6.12", Release: "6.12.9+deb13-cloud-amd64", Package: "linux-image-6.12.9+deb13-cloud-amd64", PackageVersion: "6.12.9-1",
			Source: "https://deb.example/debian/pool/a.deb", SHA256: "aaaa", Vmlinux: "/cache/6.12.9+deb13-cloud-amd64/vmlinux",
			VmlinuxSHA256: "bbbb", Config: "/cache/6.12.9+deb13-cloud-amd64/config", Size: 57 << 20,
			FetchedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		}, Fetched: true},
		{KernelImage: api.KernelImage{
			Series: "7.3", Release: "7.3.4+deb13-cloud-amd64", Package: "linux-binary-7.3.4+deb13-cloud-amd64", PackageVersion: "7.3.4-1",
			Source: "pool/b.deb", SHA256: "cccc", Size: 13 << 20,
		}},
	}}
}

// Requests returns what was asked to be fetched.
func (k *FakeKernels) Requests() []api.KernelRequest {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.requests)
}

// List implements api.Kernels.
func (k *FakeKernels) List(ctx context.Context) ([]api.KernelEntry, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.entries), ctx.Err()
}

// Fetch implements api.Kernels.
func (k *FakeKernels) Fetch(_ context.Context, req api.KernelRequest, fn func(api.Progress) error) (api.KernelImage, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.requests = append(k.requests, req)
	i := k.find(req.Version)
	if k.Err != nil {
		return api.KernelImage{}, k.Err
	}
	if i < 0 {
		return api.KernelImage{}, api.Errorf("find kernel", req.Version, api.ErrNotExist, "no suite of Debian has it").WithHint("ebpfdev kernel list")
	}
	e := &k.entries[i]
	states := []api.StepState{api.StepStarted, api.StepDone}
	if e.Fetched {
		states = []api.StepState{api.StepSkipped}
	}
	for _, state := range states {
		if err := fn(api.Progress{Step: "download", Title: "Download " + e.Package, State: state, Line: "it is here"}); err != nil {
			return api.KernelImage{}, err
		}
	}
	e.Fetched, e.Vmlinux, e.Size, e.FetchedAt = true, "/cache/"+e.Release+"/vmlinux", 57<<20, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return e.KernelImage, nil
}

// Remove implements api.Kernels.
func (k *FakeKernels) Remove(ctx context.Context, version string) (api.KernelImage, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := k.find(version)
	switch {
	case k.Err != nil:
		return api.KernelImage{}, k.Err
	case i < 0 || !k.entries[i].Fetched:
		return api.KernelImage{}, api.Errorf("find kernel", version, api.ErrNotExist, "it was not fetched").WithHint("ebpfdev kernel fetch " + version)
	}
	k.entries[i].Fetched = false
	return k.entries[i].KernelImage, ctx.Err()
}

// find returns where a kernel is, or -1.
func (k *FakeKernels) find(version string) int {
	return slices.IndexFunc(k.entries, func(e api.KernelEntry) bool { return e.Series == version || e.Release == version })
}
