package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// importedPath is the PATH of an imported image. Without one, programs that ask
// the image for its PATH find nothing.
const importedPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// InspectImage returns a local image.
func (e *Engine) InspectImage(ctx context.Context, ref string) (engine.Image, error) {
	res, err := e.api.ImageInspect(ctx, ref)
	if err != nil {
		return engine.Image{}, e.fault(ctx, "inspect image", ref, err)
	}
	img := engine.Image{ID: res.ID, Tags: res.RepoTags, Arch: goarch(res.Architecture)}
	if cfg := res.Config; cfg != nil {
		img.Labels, img.Env, img.User = cfg.Labels, cfg.Env, cfg.User
		img.Entrypoint, img.Cmd = cfg.Entrypoint, cfg.Cmd
	}
	return img, nil
}

// RemoveImage removes an image's name and, with its last one, the image.
func (e *Engine) RemoveImage(ctx context.Context, ref string) error {
	_, err := e.api.ImageRemove(ctx, ref, client.ImageRemoveOptions{PruneChildren: true})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return e.fault(ctx, "remove image", ref, err)
}

// ImportImage makes an image of a tar and labels it. It has the PATH that
// distributions use and /bin/sh as its command.
func (e *Engine) ImportImage(ctx context.Context, ref string, labels map[string]string, root io.Reader) (engine.Image, error) {
	const op = "import image"
	changes := []string{"ENV PATH=" + importedPath, `CMD ["/bin/sh"]`}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		changes = append(changes, "LABEL "+dockerfileQuote(k)+"="+dockerfileQuote(labels[k]))
	}
	source := &failingReader{r: root}
	res, err := e.api.ImageImport(ctx, client.ImageImportSource{Source: source, SourceName: "-"}, ref,
		client.ImageImportOptions{Message: "imported by ebpfdev", Changes: changes})
	if source.err != nil {
		if err == nil {
			_ = res.Close()
		}
		return engine.Image{}, api.E(op, ref, "", source.err)
	}
	if err != nil {
		return engine.Image{}, e.fault(ctx, op, ref, err)
	}
	defer func() { _ = res.Close() }()
	messages := newMessages(res)
	for {
		m, err := messages.next()
		if errors.Is(err, io.EOF) {
			return e.InspectImage(ctx, ref)
		}
		if err != nil {
			return engine.Image{}, e.fault(ctx, op, ref, err)
		}
		if m.Error != nil {
			return engine.Image{}, classify(op, ref, m.Error.Message, errors.New(m.Error.Message))
		}
	}
}

// dockerfileQuote quotes a word for a Dockerfile, in which nothing is expanded.
func dockerfileQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(s) + `"`
}

// failingReader remembers why its source failed: the engine only says that the
// tar broke off.
type failingReader struct {
	r   io.Reader
	err error
}

func (f *failingReader) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// PullImage fetches an image from its registry.
func (e *Engine) PullImage(ctx context.Context, ref string, fn func(api.Progress) error) error {
	const op = "pull image"
	steps := &reporter{fn: fn, step: "pull", title: "Pull " + ref}
	if err := steps.report(api.StepStarted, ref); err != nil {
		return err
	}
	res, err := e.api.ImagePull(ctx, ref, client.ImagePullOptions{RegistryAuth: e.logins.header(ctx, ref)})
	if err != nil {
		return e.pullFault(ctx, op, ref, err, steps)
	}
	defer func() { _ = res.Close() }()
	messages, layers := newMessages(res), newLayers()
	for {
		m, err := messages.next()
		if errors.Is(err, io.EOF) {
			return steps.report(api.StepDone, layers.summary())
		}
		if err == nil && m.Error != nil {
			err = errors.New(m.Error.Message)
		}
		if err != nil {
			return e.pullFault(ctx, op, ref, err, steps)
		}
		if p, ok := layers.update(m); ok {
			if err := steps.progress(p); err != nil {
				return err
			}
		}
	}
}

// pullFault reports a pull that failed and says what can be done about it.
func (e *Engine) pullFault(ctx context.Context, op, ref string, err error, steps *reporter) error {
	err = e.fault(ctx, op, ref, err)
	if ctx.Err() != nil {
		return err
	}
	var known *api.Error
	if errors.As(err, &known) && known.Kind != api.ErrUnreachable {
		err = registryFault(known)
	}
	if fnErr := steps.report(api.StepFailed, err.Error()); fnErr != nil {
		return fnErr
	}
	return err
}

// registryFault names what a registry's refusal means, by the words that
// engines pass on.
func registryFault(e *api.Error) *api.Error {
	out, low := *e, strings.ToLower(e.Cause)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(s string) bool { return strings.Contains(low, s) })
	}
	switch {
	case has("toomanyrequests", "too many requests"):
		out.Kind, out.Hint = api.ErrEnvironment, "docker login"
	case has("no basic auth credentials", "unauthorized", "authentication required"):
		out.Kind, out.Hint = api.ErrPermission, "docker login"
	case has("manifest unknown", "not found: manifest", "pull access denied", "repository does not exist"):
		out.Kind = api.ErrNotExist
	case has("no space left on device"):
		out.Kind, out.Hint = api.ErrEnvironment, "docker system df"
	case unreachableRegistry(low):
		out.Kind, out.Hint = api.ErrEnvironment, hintDoctor
		out.Cause = "the registry cannot be reached: " + e.Cause
	}
	return &out
}

// unreachableRegistry recognises, in lower case, an engine that has no way to a
// registry.
func unreachableRegistry(low string) bool {
	for _, s := range []string{
		"dial tcp", "no such host", "i/o timeout", "connection refused", "network is unreachable", "no route to host",
		"tls handshake", "x509:", "context deadline exceeded", "client.timeout", "proxyconnect", "connection reset",
		"temporary failure in name resolution", "server misbehaving", "bad gateway", "service unavailable", "gateway timeout",
		"failed to do request", "request canceled",
	} {
		if strings.Contains(low, s) {
			return true
		}
	}
	return strings.Contains(low, "/v2/") && (strings.Contains(low, ": eof") || strings.Contains(low, "forbidden"))
}

// reporter sends the reports of one step.
type reporter struct {
	fn    func(api.Progress) error
	step  string
	title string
}

func (r *reporter) report(state api.StepState, line string) error {
	return r.progress(api.Progress{State: state, Line: line})
}

func (r *reporter) progress(p api.Progress) error {
	if r.fn == nil {
		return nil
	}
	p.Time, p.Step, p.Title = now(), r.step, r.title
	if p.State == "" {
		p.State = api.StepRunning
	}
	return r.fn(p)
}

// layerCount says how many layers there are, in words.
func layerCount(n int) string {
	if n == 1 {
		return "1 layer"
	}
	return fmt.Sprintf("%d layers", n)
}
