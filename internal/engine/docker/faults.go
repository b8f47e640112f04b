package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// Hints that more than one error gives.
const (
	hintDoctor = "ebpfdev doctor --fix"
	hintGroup  = "sudo usermod -aG docker $USER && newgrp docker"
)

// openFault says why a place does not answer.
func openFault(p place, err error) error {
	const op = "open engine"
	cause := strings.TrimPrefix(err.Error(), daemonPrefix)
	switch {
	case strings.Contains(cause, "permission denied"):
		return api.Errorf(op, p.String(), api.ErrPermission, "permission denied on its socket").WithHint(hintGroup)
	case strings.Contains(cause, "minimum supported API version"):
		return api.Errorf(op, p.String(), api.ErrNotSupported, cause+" (Docker Engine 20.10 or newer is needed)").WithHint("docker version")
	case errors.Is(err, context.DeadlineExceeded):
		return api.Errorf(op, p.String(), api.ErrEnvironment, "no answer within "+openTimeout.String()).WithHint("ebpfdev doctor")
	case p.from != "":
		return api.Errorf(op, p.String(), api.ErrEnvironment, plainCause(err)).WithHint(p.otherwise())
	default:
		return api.Errorf(op, p.String(), api.ErrEnvironment, "no container engine answers").WithHint(hintDoctor)
	}
}

// plainCause shortens the client's advice to what happened.
func plainCause(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "no such host " + dns.Name
	case errors.Is(err, syscall.ECONNREFUSED), strings.HasPrefix(err.Error(), "Cannot connect to the Docker daemon"):
		return "nobody listens there"
	case errors.Is(err, syscall.ENOENT):
		return "no such socket"
	default:
		return strings.TrimPrefix(err.Error(), daemonPrefix)
	}
}

// moreTelling reports whether an error says more about what a person should do
// than the one kept so far: a socket that is there and closed to us does.
func moreTelling(err, kept error) bool {
	return api.KindOf(kept) == api.ErrEnvironment && api.KindOf(err) != api.ErrEnvironment
}

// daemonPrefix is what the client puts before the engine's own words.
const daemonPrefix = "Error response from daemon: "

// fault turns an error of the client into one of ours; nil stays nil. A
// cancelled context is returned as it is.
func (e *Engine) fault(ctx context.Context, op, object string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var known *api.Error
	if errors.As(err, &known) {
		return known
	}
	cause := strings.TrimPrefix(err.Error(), daemonPrefix)
	if lost(err) {
		return &api.Error{
			Op: op, Object: object, Kind: api.ErrUnreachable, Err: err,
			Cause: "the engine at " + e.place.host + " went away", Hint: "ebpfdev doctor",
		}
	}
	return classify(op, object, cause, err)
}

// classify names the kind of an answer by what the engine says and then by the
// status it has.
func classify(op, object, cause string, err error) *api.Error {
	out := &api.Error{Op: op, Object: object, Kind: statusKind(err), Cause: cause, Err: err}
	low := strings.ToLower(cause)
	switch {
	case capabilityText(low):
		out.Kind = api.ErrNotSupported
		out.Err = fmt.Errorf("%w: %w", engine.ErrCapabilities, err)
	case strings.Contains(low, "no space left on device"):
		out.Kind, out.Hint = api.ErrEnvironment, "docker system df"
	case strings.Contains(low, "error setting rlimit"):
		out.Kind = api.ErrNotSupported
	case strings.Contains(low, "is paused"):
		out.Kind, out.Hint = api.ErrConflict, "docker unpause "+object
	}
	return out
}

// statusKind is the kind that an HTTP status stands for.
func statusKind(err error) api.Kind {
	switch {
	case errdefs.IsNotFound(err):
		return api.ErrNotExist
	case errdefs.IsConflict(err):
		return api.ErrConflict
	case errdefs.IsInvalidArgument(err):
		return api.ErrInvalid
	case errdefs.IsPermissionDenied(err), errdefs.IsUnauthorized(err):
		return api.ErrPermission
	case errdefs.IsNotImplemented(err):
		return api.ErrNotSupported
	default:
		return api.ErrFailed
	}
}

// capabilityText recognises, in lower case, what engines and runtimes say when
// they cannot grant a capability: runc when it starts a container ("unable to
// apply caps", before 1.0 without the first two words), Engine 20.10 for a name it does not know, 23 and later for one
// outside the bounding set, crun.
func capabilityText(low string) bool {
	for _, s := range []string{
		"apply caps", "apply bounding set", "apply capabilities", "unknown capability",
		"capability not supported by your kernel", "capset", "error dropping capabilities",
	} {
		if strings.Contains(low, s) {
			return true
		}
	}
	return strings.Contains(low, "cap_") && strings.Contains(low, "not supported")
}

// lost reports whether the connection to the engine broke.
func lost(err error) bool {
	if client.IsErrConnectionFailed(err) {
		return true
	}
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.As(err, &op)
}
