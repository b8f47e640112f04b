package download

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// DefaultStall is how long a server may send nothing.
const DefaultStall = 30 * time.Second

// often is how long there is between two reports of progress.
const often = 100 * time.Millisecond

// Client downloads. The zero value is ready to use.
type Client struct {
	HTTP  *http.Client  // nil for the environment's proxies and a connection of its own
	Stall time.Duration // 0 for DefaultStall
}

// File is what is to be downloaded.
type File struct {
	URL    string
	SHA256 string // in hex; empty for a file that is checked in another way
	Max    int64  // bytes; with a SHA-256 it is the size that the file must have
}

// Get writes a file to w and tells how many bytes of how many there are; what w
// holds after an error is of no use.
// Errors: ErrNotExist (the server has no such file), ErrUntrusted (another
// size or digest), ErrUnreachable (no answer, a stall, another status); those of
// w and fn as they are.
func (c Client) Get(ctx context.Context, f File, w io.Writer, fn func(done, total int64) error) error {
	const op = "download"
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := c.Stall
	if limit == 0 {
		limit = DefaultStall
	}
	stalled := fmt.Errorf("nothing came for %s", limit)
	timer := time.AfterFunc(limit, func() { cancel(stalled) })
	defer timer.Stop()

	unreachable := func(err error) error {
		switch cause := context.Cause(ctx); {
		case cause == stalled: //nolint:errorlint // it is this very error
			return api.E(op, f.URL, api.ErrUnreachable, stalled)
		case cause != nil:
			return ctx.Err()
		}
		return api.E(op, f.URL, api.ErrUnreachable, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return api.E(op, f.URL, api.ErrUsage, err)
	}
	res, err := c.client().Do(req)
	if err != nil {
		return unreachable(errors.Unwrap(err)) // without the address, which is in the object already
	}
	defer res.Body.Close()
	if err := checkStatus(f, res); err != nil {
		return err
	}
	p := &progress{total: res.ContentLength, fn: fn}
	if f.SHA256 != "" {
		p.total = f.Max
	}
	body := &body{r: io.LimitReader(res.Body, f.Max+1), alive: func() { timer.Reset(limit) }}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(sum, w, p), body)
	switch {
	case body.err != nil:
		return unreachable(body.err)
	case err != nil:
		return err
	}
	if err := check(f, n, hex.EncodeToString(sum.Sum(nil))); err != nil {
		return err
	}
	return p.last()
}

// client is made for one download, so that no connection outlives it.
func (c Client) client() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}}
}

func checkStatus(f File, res *http.Response) error {
	switch res.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusNotFound, http.StatusGone:
		return api.Errorf("download", f.URL, api.ErrNotExist, "the server says "+res.Status)
	default:
		return api.Errorf("download", f.URL, api.ErrUnreachable, "the server says "+res.Status)
	}
}

// check holds what came against what was expected.
func check(f File, size int64, sum string) error {
	untrusted := func(cause string) error { return api.Errorf("download", f.URL, api.ErrUntrusted, cause) }
	switch {
	case size > f.Max:
		return untrusted(fmt.Sprintf("it has more than %d bytes", f.Max))
	case f.SHA256 == "":
		return nil
	case size != f.Max:
		return untrusted(fmt.Sprintf("it has %d bytes instead of %d", size, f.Max))
	case sum != f.SHA256:
		return untrusted("its SHA-256 is " + sum + " instead of " + f.SHA256)
	}
	return nil
}

// body keeps a server's error apart from a writer's, and says when bytes come.
type body struct {
	r     io.Reader
	alive func()
	err   error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if n > 0 {
		b.alive()
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// progress counts what is written through it.
type progress struct {
	done, total int64
	fn          func(done, total int64) error
	told        time.Time
}

func (p *progress) Write(data []byte) (int, error) {
	p.done += int64(len(data))
	if now := time.Now(); now.Sub(p.told) >= often {
		p.told = now
		if err := p.last(); err != nil {
			return 0, err
		}
	}
	return len(data), nil
}

func (p *progress) last() error {
	if p.fn == nil {
		return nil
	}
	return p.fn(p.done, max(p.total, 0))
}
