package workspace

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// binDir is where ebpfdev is in a container: binDir/SHA256/ebpfdev, and
// binDir/current as a link to the newest. A volume is mounted there, so that a
// container that somebody else started has it too.
const binDir = "/opt/ebpfdev"

// agentBinary is the executable that goes into containers. It stays open and is
// read anew each time: what is read is the same file even when another one took
// its place, and twenty megabytes are not kept for a copy that is made once.
type agentBinary struct {
	file *os.File
	size int64
	sum  string // SHA-256, hexadecimal
}

// content reads the executable from its start.
func (b *agentBinary) content() io.Reader { return io.NewSectionReader(b.file, 0, b.size) }

func (b *agentBinary) path() string { return path.Join(binDir, b.sum, "ebpfdev") }

// binary reads the agent's executable once.
func (w *Workspace) binary() (*agentBinary, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.agent != nil {
		return w.agent, nil
	}
	b, err := openBinary(w.opts.Executable)
	if err != nil {
		return nil, err
	}
	w.agent = b
	return b, nil
}

func openBinary(name string) (*agentBinary, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, api.E("read", name, api.ErrEnvironment, err)
	}
	magic := make([]byte, 4)
	hash := sha256.New()
	_, err = io.ReadFull(io.TeeReader(f, hash), magic)
	if err == nil && string(magic) != "\x7fELF" || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		_ = f.Close()
		return nil, api.Errorf("read", name, api.ErrNotSupported, "not a Linux program")
	}
	var rest int64
	if err == nil {
		rest, err = io.Copy(hash, f)
	}
	if err != nil {
		_ = f.Close()
		return nil, api.E("read", name, api.ErrEnvironment, err)
	}
	return &agentBinary{file: f, size: int64(len(magic)) + rest, sum: hex.EncodeToString(hash.Sum(nil))}, nil
}

// fileState changes when a file does.
func fileState(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s %d %d", path, info.Size(), info.ModTime().UnixNano())
}

// tarBlock is what every part of a tar is a multiple of.
const tarBlock = 512

// tar returns the binary and the link to it as an uncompressed archive for binDir.
func (b *agentBinary) tar() (io.Reader, error) {
	var head, tail bytes.Buffer
	first, last := tar.NewWriter(&head), tar.NewWriter(&tail)
	err := errors.Join(
		first.WriteHeader(&tar.Header{Name: b.sum + "/", Typeflag: tar.TypeDir, Mode: 0o755}),
		first.WriteHeader(&tar.Header{Name: b.sum + "/ebpfdev", Typeflag: tar.TypeReg, Mode: 0o755, Size: b.size}),
		last.WriteHeader(&tar.Header{Name: "current", Typeflag: tar.TypeSymlink, Linkname: b.sum, Mode: 0o777}),
		last.Close(),
	)
	padding := make([]byte, (tarBlock-b.size%tarBlock)%tarBlock)
	return io.MultiReader(&head, b.content(), bytes.NewReader(padding), &tail), err
}

// binVolume returns the volume that a container has at binDir, or "".
func binVolume(mounts []engine.Mount) string {
	for _, m := range mounts {
		if m.Type == "volume" && m.Target == binDir {
			return m.Source
		}
	}
	return ""
}

// fillBin puts the agent into a new container's volume before it starts.
func (u *upRun) fillBin(ctx context.Context, spec engine.ContainerSpec) error {
	volume := binVolume(spec.Mounts)
	if volume == "" || u.w.opts.Executable == "" {
		return nil
	}
	return u.step("agent", "Put ebpfdev in", func(*step) error {
		binary, err := u.w.binary()
		if err != nil {
			return err
		}
		u.filled = binary.sum
		return fillVolume(ctx, u.e, u.p, volume, binary)
	})
}

// fillVolume copies the binary into a volume, through a container that is
// created for it and never started: nothing that runs can interfere.
func fillVolume(ctx context.Context, e engine.Engine, p *project, volume string, binary *agentBinary) (err error) {
	labels := map[string]string{labelWorkspace: p.id}
	mount := engine.Mount{Type: "volume", Source: volume, Target: binDir, NoCopy: true}
	if p.owns(mount.Type, volume) {
		mount.Labels = labels
	}
	id, err := e.CreateContainer(ctx, engine.ContainerSpec{
		Image: engine.Scratch, Entrypoint: []string{"/never-started"}, NetworkMode: "none",
		Labels: labels, Mounts: []engine.Mount{mount},
	})
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		err = errors.Join(err, e.RemoveContainer(ctx, id), removeScratch(ctx, e))
	}()
	archive, err := binary.tar()
	if err != nil {
		return err
	}
	if err := e.CopyTo(ctx, id, binDir, archive); err != nil {
		return err
	}
	return verify(ctx, e, id, binary)
}

// removeScratch removes the empty image unless somebody uses it.
func removeScratch(ctx context.Context, e engine.Engine) error {
	if err := e.RemoveImage(ctx, engine.Scratch); !errors.Is(err, api.ErrConflict) {
		return err
	}
	return nil
}

// verify reads the binary back from a container and compares it.
func verify(ctx context.Context, e engine.Engine, id string, binary *agentBinary) error {
	sum, err := sumIn(ctx, e, id, binary)
	if err != nil {
		return err
	}
	if sum != binary.sum {
		return otherContent(binary, "SHA-256 "+sum)
	}
	return nil
}

func otherContent(binary *agentBinary, what string) error {
	return api.Errorf("verify agent", binary.path(), api.ErrConflict,
		"its content is not what was put there: "+what).WithHint("ebpfdev down")
}

// sumIn returns the SHA-256 of what a container has in the binary's place. A
// file of another size is refused unread: a container may show one without end.
func sumIn(ctx context.Context, e engine.Engine, id string, binary *agentBinary) (string, error) {
	name := binary.path()
	archive, err := e.CopyFrom(ctx, id, name)
	if err != nil {
		return "", err
	}
	defer func() { _ = archive.Close() }()
	reader := tar.NewReader(archive)
	header, err := reader.Next()
	if err != nil {
		return "", api.E("read", name, api.ErrUnreachable, err)
	}
	if header.Typeflag != tar.TypeReg {
		return "", api.Errorf("verify agent", name, api.ErrConflict, "not a regular file").WithHint("ebpfdev down")
	}
	if header.Size != binary.size {
		return "", otherContent(binary, strconv.FormatInt(header.Size, 10)+" bytes")
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, reader); err != nil {
		return "", api.E("read", name, api.ErrUnreachable, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// ensureAgent makes sure that the container has our binary and that it is ours.
// A container without the volume gets it through its own shell.
func (s *session) ensureAgent(ctx context.Context, st *step) error {
	if s.w.opts.Executable == "" {
		return st.skip("this build has no binary for containers")
	}
	binary, err := s.w.binary()
	if err != nil {
		return err
	}
	err = verify(ctx, s.e, s.c.ID, binary)
	if notExist(err) {
		if volume := binVolume(s.c.Mounts); volume != "" {
			err = fillVolume(ctx, s.e, s.p, volume, binary)
		} else {
			err = s.copyAgent(ctx, binary)
		}
		if err == nil {
			err = verify(ctx, s.e, s.c.ID, binary)
		}
	}
	if err != nil {
		return err
	}
	s.cache.Agent = binary.sum
	return nil
}

// copyAgent writes the binary with the container's own shell: unlike the
// engine's copy, that follows no link out of the container.
func (s *session) copyAgent(ctx context.Context, binary *agentBinary) error {
	script := fmt.Sprintf(`set -e; d=%s; mkdir -p "$d"; cat >"$d/.new"; chmod 755 "$d/.new"; mv -f "$d/.new" "$d/ebpfdev"; ln -sfn %s %s`,
		path.Join(binDir, binary.sum), binary.sum, path.Join(binDir, "current"))
	spec := engine.ExecSpec{Cmd: []string{"/bin/sh", "-c", script}, User: "root"}
	_, errOut, code, err := s.output(ctx, spec, binary.content())
	if err != nil {
		return err
	}
	if code != 0 {
		return &api.ToolError{Tool: "copy ebpfdev into " + s.c.Name, ExitCode: code, Stderr: errOut}
	}
	return nil
}
