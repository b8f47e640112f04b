// Package docker implements engine.Engine over the Docker API, from Engine
// 20.10 (API 1.41) on. It talks to the engine's socket itself and needs no
// docker command; of the command's files it reads the current context and its
// logins. Podman answers to the same API and is used when nothing else does.
package docker

import (
	"context"
	"runtime"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// openTimeout bounds how long one candidate may take to answer.
const openTimeout = 10 * time.Second

// Options say where the engine is. The zero value tries the default sockets.
type Options struct {
	// Host is an address as DOCKER_HOST has it; when set, nothing else is tried.
	Host string
	// Env looks up environment variables: DOCKER_HOST, DOCKER_CONTEXT,
	// DOCKER_CONFIG, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH, XDG_RUNTIME_DIR, HOME.
	// Nil is an empty environment.
	Env func(string) (string, bool)
}

// Engine is a connection to a Docker Engine.
type Engine struct {
	api    *client.Client
	place  place
	logins logins
}

var _ engine.Engine = (*Engine)(nil)

// Open finds an engine and asks it for its version. Errors: ErrEnvironment (none
// answers), ErrPermission (the socket may not be opened), ErrNotSupported (its
// API is too old, an ssh:// address), ErrUntrusted (TCP without TLS to another
// machine), ErrUsage (an address or context that makes no sense).
func Open(ctx context.Context, opts Options) (*Engine, error) {
	env := environ(opts.Env)
	places, err := env.places(opts.Host)
	if err != nil {
		return nil, err
	}
	var first error
	for _, p := range places {
		api, err := connect(ctx, p)
		if err == nil {
			return &Engine{api: api, place: p, logins: env.logins()}, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if first == nil || moreTelling(err, first) {
			first = err
		}
	}
	return nil, first
}

// connect opens a client for a place and negotiates the API version.
func connect(ctx context.Context, p place) (*client.Client, error) {
	opts, err := p.clientOptions()
	if err != nil {
		return nil, err
	}
	api, err := client.New(opts...)
	if err != nil {
		return nil, openFault(p, err)
	}
	pingCtx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if _, err := api.Ping(pingCtx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		_ = api.Close()
		return nil, openFault(p, err)
	}
	return api, nil
}

// Close ends the connection.
func (e *Engine) Close() error { return e.api.Close() }

// Info asks the engine what it is.
func (e *Engine) Info(ctx context.Context) (engine.Info, error) {
	const op = "ask engine"
	version, err := e.api.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return engine.Info{}, e.fault(ctx, op, "", err)
	}
	res, err := e.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return engine.Info{}, e.fault(ctx, op, "", err)
	}
	in := res.Info
	info := engine.Info{
		Name:       engine.DockerEngine,
		Version:    version.Version,
		APIVersion: e.api.ClientVersion(),
		Host:       e.place.host,
		Insecure:   e.place.insecure(),
		OS:         in.OSType,
		Arch:       goarch(in.Architecture),
		Kernel:     in.KernelVersion,
		Desktop:    inVirtualMachine(runtime.GOOS, in.OperatingSystem, in.Name, e.place.host),
		RootDir:    in.DockerRootDir,
	}
	for _, c := range version.Components {
		if strings.HasPrefix(c.Name, "Podman") {
			info.Name = "Podman"
		}
	}
	for _, opt := range in.SecurityOptions {
		name, _, _ := strings.Cut(strings.TrimPrefix(opt, "name="), ",")
		info.Rootless = info.Rootless || name == "rootless"
	}
	return info, nil
}

// inVirtualMachine reports whether an engine has a kernel of its own: always
// where the client's system is not Linux, and with the products that say so.
func inVirtualMachine(clientOS, operatingSystem, name, host string) bool {
	if clientOS != "linux" {
		return true
	}
	for _, s := range []string{operatingSystem, name, host} {
		s = strings.ToLower(s)
		for _, product := range []string{"docker desktop", "docker-desktop", "colima", "orbstack", "rancher-desktop", "lima-"} {
			if strings.Contains(s, product) {
				return true
			}
		}
	}
	return false
}

// goarch turns the machine name that an engine gives into Go's.
func goarch(machine string) string {
	switch machine {
	case "x86_64":
		return "amd64"
	case "aarch64":
		return "arm64"
	case "i386", "i686":
		return "386"
	case "armv7l", "armv6l", "armhf":
		return "arm"
	case "loongarch64":
		return "loong64"
	default:
		return machine
	}
}
