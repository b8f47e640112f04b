// Package engine is the contract with whatever runs containers: images,
// containers, execs and volumes in plain data. Package docker implements it
// over the Docker API. Errors are *api.Error: ErrEnvironment when no engine is
// found, ErrPermission when its socket may not be opened, ErrUnreachable when
// it went away during a call, ErrNotExist and ErrConflict for objects.
package engine

import (
	"context"
	"io"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Scratch is the name of an image with nothing in it. CreateContainer makes it
// when it is asked for, without a registry.
const Scratch = "ebpfdev/scratch:latest"

// Engine runs containers.
type Engine interface {
	Images
	Containers
	Execs
	Volumes

	// Info asks the engine what it is.
	Info(ctx context.Context) (Info, error)
	// Close ends the connection.
	Close() error
}

// Images builds, finds and removes images.
type Images interface {
	// BuildImage builds from a folder. Output and progress go to fn with the
	// step "image".
	BuildImage(ctx context.Context, spec BuildSpec, fn func(api.Progress) error) (Image, error)
	// PullImage fetches an image; fn gets bytes and layers with the step "pull".
	PullImage(ctx context.Context, ref string, fn func(api.Progress) error) error
	// ImportImage makes an image of a root file system, an uncompressed tar.
	ImportImage(ctx context.Context, ref string, labels map[string]string, root io.Reader) (Image, error)
	InspectImage(ctx context.Context, ref string) (Image, error)
	// RemoveImage removes a name and, with its last name, the image; one that
	// is gone already is no error. ErrConflict while a container uses it.
	RemoveImage(ctx context.Context, ref string) error
}

// Containers creates, finds, starts and removes containers.
type Containers interface {
	// CreateContainer creates a container and leaves nothing behind when it
	// fails. An error that matches ErrCapabilities says that the engine cannot
	// grant a capability that was asked for.
	CreateContainer(ctx context.Context, spec ContainerSpec) (id string, err error)
	// StartContainer starts a container; an error that matches ErrCapabilities
	// says that it may start with fewer capabilities.
	StartContainer(ctx context.Context, id string) error
	// RemoveContainer kills and removes it and its anonymous volumes; one that
	// is gone already is no error.
	RemoveContainer(ctx context.Context, id string) error
	InspectContainer(ctx context.Context, id string) (Container, error)
	// ListContainers returns all containers, stopped ones too, that have every
	// label (an empty value matches any), newest first.
	ListContainers(ctx context.Context, labels map[string]string) ([]Container, error)
	ContainerLogs(ctx context.Context, id string, req LogsSpec, fn func(api.LogLine) error) error
	// WaitContainer returns the exit code once it has ended.
	WaitContainer(ctx context.Context, id string) (int, error)
}

// Execs runs commands in containers and copies files in and out.
type Execs interface {
	// Exec starts a command; the returned process must be closed. The context
	// bounds the start alone: a process outlives it until Close.
	// ErrConflict when the container is not running or is paused.
	Exec(ctx context.Context, id string, spec ExecSpec) (Process, error)
	// CopyTo unpacks an uncompressed tar at path, which must exist.
	CopyTo(ctx context.Context, id, path string, tar io.Reader) error
	// CopyFrom returns a tar of path.
	CopyFrom(ctx context.Context, id, path string) (io.ReadCloser, error)
}

// Volumes creates, finds and removes volumes.
type Volumes interface {
	CreateVolume(ctx context.Context, spec VolumeSpec) error
	// ListVolumes returns those that have every label (an empty value matches any).
	ListVolumes(ctx context.Context, labels map[string]string) ([]Volume, error)
	InspectVolume(ctx context.Context, name string) (Volume, error)
	// RemoveVolume removes it; one that is gone already is no error.
	RemoveVolume(ctx context.Context, name string) error
}

// Process is a command that runs in a container.
type Process interface {
	// Stdin takes the command's input; closing it is end of file.
	Stdin() io.WriteCloser
	// Stdout and Stderr end when the command has; with a TTY everything comes
	// on Stdout. Both must be read.
	Stdout() io.Reader
	Stderr() io.Reader
	// Wait returns the exit code once the outputs have ended. A container that
	// was removed or stopped meanwhile is ErrNotExist, not a bare 137. A command
	// that could not be started is an error with a code beside it: 127 when it
	// is not there, else 126.
	Wait(ctx context.Context) (int, error)
	Resize(ctx context.Context, size api.Size) error
	// Close drops the connection; a command that reads its input sees the end.
	Close() error
}

// Info is what an engine says of itself.
type Info struct {
	Name       string // "Docker Engine"
	Version    string // "26.1.5"
	APIVersion string
	Host       string // unix:///var/run/docker.sock
	Insecure   bool   // reached over TCP without TLS
	OS         string // "linux"
	Arch       string // "amd64", as GOARCH
	Kernel     string
	Rootless   bool
	Desktop    bool   // runs in a virtual machine with its own kernel
	RootDir    string // where it keeps its data
}

// BuildSpec builds an image from a Dockerfile.
type BuildSpec struct {
	Context    string // folder
	Dockerfile string // relative to Context, or absolute
	Tag        string
	Args       map[string]string
	Labels     map[string]string
	Target     string
	CacheFrom  []string
	NoCache    bool
	Pull       bool
	Network    string // "" the default, "host"
	// Files are added to the context as it is sent, by path with slashes; they
	// take the place of files of the folder and of what .dockerignore leaves out.
	Files map[string][]byte
}

// Image is a local image.
type Image struct {
	ID     string
	Tags   []string
	Arch   string
	Labels map[string]string
	Env    []string
	User   string
	Entrypoint,
	Cmd []string
}

// ContainerSpec creates a container.
type ContainerSpec struct {
	Name        string
	Image       string // Scratch for an empty root file system
	Entrypoint  []string
	Cmd         []string
	Env         []string
	User        string
	WorkingDir  string
	Hostname    string
	Labels      map[string]string
	Mounts      []Mount
	Privileged  bool
	CapAdd      []string
	CapDrop     []string
	SecurityOpt []string
	Devices     []string // "/dev/fuse", "/dev/fuse:/dev/fuse:rwm"; "*" gives all of the host's by cgroup rule
	PIDMode     string   // "host"
	NetworkMode string   // "host", "none", "" the default
	IPCMode     string
	CgroupNS    string // "host", "private"
	UsernsMode  string
	Runtime     string
	Init        bool
	ShmSize     int64
	Tmpfs       map[string]string
	Sysctls     map[string]string
	Ulimits     []string
	ExtraHosts  []string
	DNS         []string
	GroupAdd    []string
	Ports       []string // "8080", "8080:80", "127.0.0.1:8080:80/udp"
	GPUs        string
	AutoRemove  bool
}

// Mount is one mount of a container.
type Mount struct {
	Type        string            // "bind", "volume", "tmpfs"
	Source      string            // host path or volume name
	Target      string            // absolute path in the container
	ReadOnly    bool              //
	Consistency string            //
	Propagation string            // bind
	VolumeOpts  map[string]string // volume: options of the local driver
	Labels      map[string]string // volume: labels when it is created
	NoCopy      bool              // volume
	TmpfsSize   int64             // bytes
}

// Container is a container as the engine knows it.
type Container struct {
	ID         string
	Name       string // without the leading slash
	Image      string // as it was given
	Labels     map[string]string
	Env        []string
	User       string
	State      string // "created", "running", "paused", "restarting", "exited", "dead"
	ExitCode   int
	OOMKilled  bool
	Created    time.Time
	CreatedRaw string // the engine's own text: hook markers hold it byte for byte
	Started    time.Time
	StartedRaw string
	Privileged bool
	CapAdd     []string
	PIDMode    string
	Mounts     []Mount
}

// LogsSpec chooses a part of a container's output.
type LogsSpec struct {
	Follow bool
	Tail   int // lines; 0 for all
}

// ExecSpec starts a command in a running container.
type ExecSpec struct {
	Cmd   []string
	Env   []string
	User  string
	Dir   string
	TTY   bool
	Stdin bool     // attach the input
	Size  api.Size // of the terminal
}

// VolumeSpec creates a volume of the local driver.
type VolumeSpec struct {
	Name    string
	Options map[string]string // type, device, o
	Labels  map[string]string
}

// Volume is a volume.
type Volume struct {
	Name    string
	Options map[string]string
	Labels  map[string]string
}
