package docker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/engine/buildcontext"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// BuildImage builds with the engine's classic builder, which every engine from
// 20.10 on has and which needs no session. A Dockerfile that needs BuildKit is
// ErrNotSupported, a command of it that fails is *api.ToolError.
func (e *Engine) BuildImage(ctx context.Context, spec engine.BuildSpec, fn func(api.Progress) error) (engine.Image, error) {
	const op = "build image"
	folder, err := buildcontext.Open(spec.Context, spec.Dockerfile, spec.Files)
	if err != nil {
		return engine.Image{}, err
	}
	defer func() { _ = folder.Close() }()
	if needs := folder.Dockerfile.BuildKit; needs != "" {
		return engine.Image{}, api.Errorf(op, spec.Tag, api.ErrNotSupported,
			needs+" needs BuildKit, and this engine is driven through its classic builder").
			WithHint("DOCKER_BUILDKIT=1 " + shell.Join("docker", "build", "-t", spec.Tag, "-f", folder.Path, spec.Context))
	}
	b := &builder{
		engine: e, ctx: ctx, tag: spec.Tag,
		steps:  &reporter{fn: fn, step: "image", title: "Build the image"},
		pull:   &reporter{fn: fn, step: "pull", title: "Pull the base image"},
		layers: newLayers(),
	}
	if err := b.steps.report(api.StepStarted, spec.Tag); err != nil {
		return engine.Image{}, err
	}
	id, err := b.run(folder, e.buildOptions(ctx, spec, folder))
	if err != nil {
		if ctx.Err() != nil {
			return engine.Image{}, ctx.Err()
		}
		if b.fnErr == nil {
			b.fnErr = b.steps.report(api.StepFailed, err.Error())
		}
		if b.fnErr != nil {
			return engine.Image{}, b.fnErr
		}
		return engine.Image{}, err
	}
	if err := b.steps.report(api.StepDone, ""); err != nil {
		return engine.Image{}, err
	}
	return e.InspectImage(ctx, id)
}

// buildOptions translates a specification.
func (e *Engine) buildOptions(ctx context.Context, spec engine.BuildSpec, folder *buildcontext.Context) client.ImageBuildOptions {
	opts := client.ImageBuildOptions{
		Version: build.BuilderV1, Dockerfile: folder.Name, Target: spec.Target,
		Labels: spec.Labels, CacheFrom: spec.CacheFrom, NoCache: spec.NoCache, PullParent: spec.Pull,
		NetworkMode: spec.Network, Remove: true, ForceRemove: true,
		AuthConfigs: e.logins.all(ctx, folder.Dockerfile.Bases),
	}
	if spec.Tag != "" {
		opts.Tags = []string{spec.Tag}
	}
	if len(spec.Args) > 0 {
		opts.BuildArgs = make(map[string]*string, len(spec.Args))
		for k, v := range spec.Args {
			opts.BuildArgs[k] = &v
		}
	}
	return opts
}

// builder follows one build.
type builder struct {
	engine *Engine
	ctx    context.Context
	tag    string
	steps  *reporter
	pull   *reporter
	layers *layers
	fnErr  error // the callback's own error
	step   int64
	total  int64
	id     string
	tail   tail
}

// run sends the folder and follows the answer. The engine answers only after it
// has the whole folder, so the request waits on a goroutine of its own while
// this one reports how far it is.
func (b *builder) run(folder *buildcontext.Context, opts client.ImageBuildOptions) (string, error) {
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	stream := folder.Stream(ctx)
	defer func() { _ = stream.Close() }() // else what an engine did not read waits for ever, with a file open
	body := &failingReader{r: stream}
	type answer struct {
		res client.ImageBuildResult
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		res, err := b.engine.api.ImageBuild(ctx, body, opts)
		answered <- answer{res, err}
	}()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case a := <-answered:
			if a.err != nil {
				return "", b.requestFault(body, a.err)
			}
			defer func() { _ = a.res.Body.Close() }()
			return b.follow(newMessages(a.res.Body))
		case <-tick.C:
			p := api.Progress{Line: "sending the build context", Done: folder.Sent(), Unit: "bytes"}
			if b.fnErr = b.steps.progress(p); b.fnErr != nil {
				return "", b.fnErr
			}
		}
	}
}

// requestFault prefers why we could not read the folder to what the engine
// thought of the torn tar.
func (b *builder) requestFault(body *failingReader, err error) error {
	var read *api.Error
	if errors.As(body.err, &read) {
		return read
	}
	fault := b.engine.fault(b.ctx, "build image", b.tag, err)
	var known *api.Error
	if errors.As(fault, &known) && known.Kind == api.ErrFailed {
		return registryFault(known)
	}
	return fault
}

// follow reports the build's messages and returns the image's id.
func (b *builder) follow(messages *messages) (string, error) {
	for {
		m, err := messages.next()
		switch {
		case errors.Is(err, io.EOF) && b.id != "":
			return b.id, nil
		case errors.Is(err, io.EOF):
			err = io.ErrUnexpectedEOF // a build ends with an image or an error
			fallthrough
		case err != nil:
			return "", b.engine.fault(b.ctx, "build image", b.tag, err)
		case m.Error != nil:
			return "", b.buildFault(m.Error)
		}
		if b.fnErr = b.message(m); b.fnErr != nil {
			return "", b.fnErr
		}
	}
}

var stepLine = regexp.MustCompile(`^Step (\d+)/(\d+) : `)

// message reports one message.
func (b *builder) message(m jsonstream.Message) error {
	if m.Aux != nil {
		var aux struct{ ID string }
		if json.Unmarshal(*m.Aux, &aux) == nil && aux.ID != "" {
			b.id = aux.ID
		}
		return nil
	}
	if p, ok := b.layers.update(m); ok {
		return b.pull.progress(p)
	}
	for line := range strings.Lines(m.Stream) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		b.tail.add(line)
		if s := stepLine.FindStringSubmatch(line); s != nil {
			b.step, _ = strconv.ParseInt(s[1], 10, 64)
			b.total, _ = strconv.ParseInt(s[2], 10, 64)
		}
		if err := b.steps.progress(api.Progress{Line: line, Done: b.step, Total: b.total, Unit: "steps"}); err != nil {
			return err
		}
	}
	return nil
}

// buildFault tells a command that failed from a registry, a disk or a Dockerfile
// that did.
func (b *builder) buildFault(e *jsonstream.Error) error {
	known := registryFault(classify("build image", b.tag, e.Message, e))
	low := strings.ToLower(e.Message)
	switch {
	case e.Code != 0:
		b.tail.add(e.Message)
		return &api.ToolError{Tool: "docker build", ExitCode: e.Code, Stderr: b.tail.String()}
	case known.Kind != api.ErrFailed:
		return known
	case strings.Contains(low, "parse error"), strings.Contains(low, "unknown instruction"), strings.Contains(low, "unknown flag"):
		known.Kind = api.ErrInvalid
		return known
	case strings.Contains(low, "no such file or directory"), strings.Contains(low, "file not found"):
		known.Kind = api.ErrNotExist
		return known
	default:
		b.tail.add(e.Message)
		return &api.ToolError{Tool: "docker build", ExitCode: 1, Stderr: b.tail.String()}
	}
}

// tail keeps the end of a build's output, at most 64 KiB.
type tail struct {
	lines []string
	size  int
}

func (t *tail) add(line string) {
	const limit = 64 << 10
	if len(line) > limit/2 {
		line = line[:limit/2]
	}
	t.lines = append(t.lines, line)
	t.size += len(line) + 1
	for t.size > limit {
		t.size -= len(t.lines[0]) + 1
		t.lines = t.lines[1:]
	}
}

// String returns the lines, the last without a newline.
func (t *tail) String() string { return strings.Join(t.lines, "\n") }
