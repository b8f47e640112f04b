package api

import (
	"context"
	"time"
)

// Kernels holds the kernels that can be booted under QEMU. They are a
// distribution's packages, checked by their digests; none is built here.
//
// A version is a series ("6.12": its newest kernel), an upstream version
// ("6.12.9") or a release as uname -r prints it ("6.12.9+deb13-cloud-amd64").
type Kernels interface {
	// List returns the kernels that are here, and those that Fetch gets without
	// asking an index, by version, the oldest first.
	List(ctx context.Context) ([]KernelEntry, error)
	// Fetch gets a kernel unless it is here, and returns it. What was stored
	// before stays whole after an error, and nothing new is left.
	// Errors: ErrUsage (no version, digest or mirror's address), ErrNotExist (no
	// archive has it), ErrUntrusted (a signature or a digest that is wrong),
	// ErrUnreachable (no archive answers, or one that stalls), ErrInvalid (a
	// package that holds no kernel), ErrEnvironment and ErrPermission (the cache).
	Fetch(ctx context.Context, req KernelRequest, fn func(Progress) error) (KernelImage, error)
	// Remove removes one kernel that is here, and returns what it was.
	// Errors: ErrUsage (no version), ErrNotExist, ErrConflict (several match),
	// ErrEnvironment, ErrPermission (the cache).
	Remove(ctx context.Context, version string) (KernelImage, error)
}

// KernelRequest asks for a kernel.
type KernelRequest struct {
	Version string `json:"version"`
	SHA256  string `json:"sha256,omitempty"` // of the package, in hex: no other one will do
	Mirror  string `json:"mirror,omitempty"` // the archive's address; empty for the machine's own
}

// KernelImage is a kernel that is ready to boot.
type KernelImage struct {
	Series         string    `json:"series"`  // "6.12"
	Release        string    `json:"release"` // uname -r
	Package        string    `json:"package"`
	PackageVersion string    `json:"package_version"`
	Source         string    `json:"source"`            // where the package came from, or would
	SHA256         string    `json:"sha256"`            // of the package, in hex
	Vmlinux        string    `json:"vmlinux,omitempty"` // absolute path of the kernel as ELF
	VmlinuxSHA256  string    `json:"vmlinux_sha256,omitempty"`
	Config         string    `json:"config,omitempty"` // absolute path; empty when the archive had none
	Size           int64     `json:"size"`             // bytes: of Vmlinux, or of the package when it is not here
	FetchedAt      time.Time `json:"fetched_at,omitzero"`
}

// KernelEntry is a kernel in a list.
type KernelEntry struct {
	KernelImage
	Fetched bool `json:"fetched"` // false: Fetch gets it
}
