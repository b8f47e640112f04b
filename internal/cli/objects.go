package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// maxObject is how big an object file may be; real ones are a few kilobytes to
// a few megabytes.
const maxObject = 64 << 20

// objects returns the named object files or, when none is named, those that the
// project's build makes, to be verified.
func (f *factory) objects(ctx context.Context, s api.Session, paths []string) ([]api.Object, error) {
	if len(paths) > 0 {
		objects := make([]api.Object, 0, len(paths))
		for _, path := range paths {
			if with := interpreter(path); with != "" {
				return nil, api.Errorf("verify", path, api.ErrUsage, "it is no object: "+with+" compiles it, and the verifier sees it, when it starts").
					WithHint(shell.Join("ebpfdev", "run", path))
			}
			o, err := readObject(path)
			if err != nil {
				return nil, err
			}
			objects = append(objects, o)
		}
		return objects, nil
	}
	res, err := f.build(ctx, s, api.BuildRequest{Dir: s.Info().Dir, For: api.BuildForVerify})
	if err != nil {
		return nil, err
	}
	if len(res.Objects) == 0 {
		return nil, noObjects()
	}
	return res.Objects, nil
}

func noObjects() error {
	return api.Errorf("find objects", "", api.ErrNotExist, "the build made none").
		WithHint("ebpfdev verify FILE.o")
}

func readObject(path string) (api.Object, error) {
	const op = "read object"
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return api.Object{}, api.Errorf(op, path, api.ErrNotExist, "there is no such file").WithHint("ebpfdev build")
	case err != nil:
		return api.Object{}, api.E(op, path, readKind(err), errors.Unwrap(err))
	case !info.Mode().IsRegular():
		return api.Object{}, api.Errorf(op, path, api.ErrInvalid, "it is not a regular file")
	case info.Size() > maxObject:
		return api.Object{}, api.Errorf(op, path, api.ErrInvalid,
			fmt.Sprintf("%d bytes are more than an object may have (%d MiB)", info.Size(), maxObject>>20))
	}
	file, err := os.Open(path)
	if err != nil {
		return api.Object{}, api.E(op, path, readKind(err), errors.Unwrap(err))
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxObject))
	if err != nil {
		return api.Object{}, api.E(op, path, api.ErrEnvironment, err)
	}
	return api.Object{Name: filepath.Base(path), Path: path, Data: data}, nil
}

func readKind(err error) api.Kind {
	if errors.Is(err, fs.ErrPermission) {
		return api.ErrPermission
	}
	return api.ErrEnvironment
}
