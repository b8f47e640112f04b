package docker

import (
	"context"
	"io"

	"github.com/moby/moby/client"
)

// CopyTo unpacks an uncompressed tar into a container; owners are as in the tar.
func (e *Engine) CopyTo(ctx context.Context, id, path string, tar io.Reader) error {
	_, err := e.api.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: path, Content: tar})
	return e.fault(ctx, "copy to container", short(id)+":"+path, err)
}

// CopyFrom returns a tar of a path in a container.
func (e *Engine) CopyFrom(ctx context.Context, id, path string) (io.ReadCloser, error) {
	res, err := e.api.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: path})
	if err != nil {
		return nil, e.fault(ctx, "copy from container", short(id)+":"+path, err)
	}
	return res.Content, nil
}
