package workspace

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// certsDir is where a Dockerfile finds the machine's extra CA certificates, in
// its build context.
const certsDir = ".devcontainer/certs"

// proxyVariables are handed to builds as arguments when they are set.
func proxyVariables() []string {
	return []string{
		"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "ftp_proxy",
		"no_proxy", "GOPROXY", "GONOSUMDB", "GOSUMDB",
	}
}

// image makes sure that the image of a new container is there.
func (u *upRun) image(ctx context.Context) (engine.Image, error) {
	var img engine.Image
	config, err := u.p.file.Config(u.p.vars)
	if err != nil {
		return img, err
	}
	title := "Image"
	if settings, err := u.p.settings(); err == nil && settings.ImageSize != "" && config.Build != nil {
		title += " of about " + settings.ImageSize // said before it is fetched and built
	}
	err = u.step("image", title, func(s *step) error {
		if config.Build != nil {
			img, err = u.build(ctx, s, config.Build)
		} else {
			img, err = u.pull(ctx, s, config.Image)
		}
		return err
	})
	return img, err
}

func (u *upRun) pull(ctx context.Context, s *step, ref string) (engine.Image, error) {
	u.imageRef = ref
	img, err := u.e.InspectImage(ctx, ref)
	if err == nil && !u.req.Pull {
		return img, s.skip(ref + " is here")
	}
	if err != nil && !notExist(err) {
		return img, err
	}
	if err := u.e.PullImage(ctx, ref, s.forward); err != nil {
		return img, err
	}
	return u.e.InspectImage(ctx, ref)
}

func (u *upRun) build(ctx context.Context, s *step, b *devcontainer.Build) (engine.Image, error) {
	dockerfile := fromConfig(u.p.config, b.Dockerfile)
	if info, err := os.Stat(dockerfile); err != nil || !info.Mode().IsRegular() {
		return engine.Image{}, api.Errorf("build image", dockerfile, api.ErrNotExist, "no such Dockerfile")
	}
	folder := filepath.Dir(dockerfile)
	if b.Context != "" {
		folder = fromConfig(u.p.config, b.Context)
	}
	files, err := certificates(folder, u.w.certificateDir())
	if err != nil {
		return engine.Image{}, err
	}
	if len(devcontainer.ImageName(u.p.folder)+"-uid") > maxImageName {
		return engine.Image{}, api.Errorf("build image", u.p.folder, api.ErrUsage,
			"the folder's name is too long to be part of an image's name")
	}
	args := u.proxyArgs()
	for name, value := range b.Args {
		args[name] = value
	}
	u.imageRef = devcontainer.ImageName(u.p.folder)
	return u.e.BuildImage(ctx, engine.BuildSpec{
		Context: folder, Dockerfile: dockerfile, Tag: u.imageRef, Args: args, Labels: b.Labels,
		Target: b.Target, CacheFrom: b.CacheFrom, NoCache: u.req.Rebuild || b.NoCache,
		Pull: u.req.Pull || b.Pull, Network: b.Network, Files: files,
	}, s.forward)
}

// maxImageName is what engines take, in bytes.
const maxImageName = 255

// fromConfig resolves a path that is relative to devcontainer.json.
func fromConfig(config, name string) string {
	name = filepath.FromSlash(name)
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(filepath.Dir(config), name)
}

func (u *upRun) proxyArgs() map[string]string {
	args := map[string]string{}
	for _, name := range proxyVariables() {
		if value, ok := u.w.opts.Env(name); ok && value != "" {
			args[name] = value
		}
	}
	return args
}

// certificateDir is where the machine keeps certificates that its owner added.
func (w *Workspace) certificateDir() string {
	if dir, ok := w.opts.Env("EBPFDEV_CA_CERTIFICATES"); ok {
		return dir
	}
	return "/usr/local/share/ca-certificates"
}

// certificates returns the machine's extra CA certificates as files of a build
// context that has a folder for them. Nothing is written into the project.
func certificates(context, dir string) (map[string][]byte, error) {
	place := certsDir
	if filepath.Base(context) == ".devcontainer" {
		place = path.Base(certsDir)
	}
	if info, err := os.Stat(filepath.Join(context, filepath.FromSlash(place))); err != nil || !info.IsDir() {
		return nil, nil
	}
	matches, err := filepath.Glob(filepath.Join(dir, "*.crt"))
	if err != nil {
		return nil, api.E("find", dir, api.ErrEnvironment, err)
	}
	files := map[string][]byte{}
	for _, name := range matches {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, api.E("read", name, api.ErrEnvironment, err)
		}
		files[path.Join(place, filepath.Base(name))] = data
	}
	return files, nil
}

var (
	onlyDigits = regexp.MustCompile(`^\d+$`)
	userName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*\$?$`)
)

// updateUID returns the image in which the remote user has the workspace
// owner's user and group id, so that files belong to the same person on both
// sides. Without need it is the image that was given.
func (u *upRun) updateUID(ctx context.Context, img engine.Image, m devcontainer.Merged, runUser string) (engine.Image, error) {
	user := firstOf(m.RemoteUser, runUser, m.ContainerUser, img.User, "root")
	wanted := m.UpdateRemoteUserUID == nil || *m.UpdateRemoteUserUID
	if !wanted || user == "root" || onlyDigits.MatchString(user) || !userName.MatchString(user) {
		return img, nil
	}
	uid, gid, err := owner(u.p.folder)
	if err != nil {
		return img, api.E("read owner of", u.p.folder, api.ErrPermission, err)
	}
	if uid == 0 {
		return img, nil // root has that id in every image
	}
	folder, err := u.w.scratchDir(u.p)
	if err != nil {
		return img, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	text := updateUIDDockerfile(firstOf(u.imageRef, img.ID), firstOf(img.User, "root"))
	if err := os.WriteFile(filepath.Join(folder, "Dockerfile"), []byte(text), 0o600); err != nil {
		return img, api.E("write", folder, api.ErrEnvironment, err)
	}
	name := devcontainer.ImageName(u.p.folder) + "-uid"
	title := fmt.Sprintf("Give %s the ids %d:%d", user, uid, gid)
	err = u.step("image-uid", title, func(s *step) error {
		args := map[string]string{"REMOTE_USER": user, "NEW_UID": strconv.Itoa(uid), "NEW_GID": strconv.Itoa(gid)}
		img, err = u.e.BuildImage(ctx, engine.BuildSpec{
			Context: folder, Dockerfile: "Dockerfile", Tag: name, Args: args,
		}, s.forward)
		return err
	})
	u.imageRef = name
	return img, err
}

// updateUIDDockerfile changes one line of /etc/passwd and hands the user its home
// again. It needs no more than a shell with read and sed, and changes nothing
// when another user has the id already.
func updateUIDDockerfile(base, user string) string {
	return strings.Join([]string{
		"FROM " + base,
		"USER root",
		"ARG REMOTE_USER",
		"ARG NEW_UID",
		"ARG NEW_GID",
		`SHELL ["/bin/sh", "-c"]`,
		"RUN " + strings.Join([]string{
			`old=; taken=; group_taken=;`,
			`while IFS=: read -r name _ uid gid _ home _; do`,
			`if [ "$name" = "$REMOTE_USER" ]; then old=$uid; old_gid=$gid; dir=$home;`,
			`elif [ "$uid" = "$NEW_UID" ]; then taken=$name; fi;`,
			`done </etc/passwd;`,
			`while IFS=: read -r name _ gid _; do`,
			`if [ "$gid" = "$NEW_GID" ]; then group_taken=$name; fi;`,
			`done </etc/group;`,
			`if [ -z "$old" ]; then echo "no user $REMOTE_USER in /etc/passwd"; exit 0; fi;`,
			`if [ "$old" != "$NEW_UID" ] && [ -n "$taken" ]; then echo "$taken has the id $NEW_UID"; exit 0; fi;`,
			`if [ "$old_gid" != "$NEW_GID" ] && [ -n "$group_taken" ]; then NEW_GID=$old_gid; fi;`,
			`if [ "$old:$old_gid" = "$NEW_UID:$NEW_GID" ]; then exit 0; fi;`,
			`sed -i "s/^\($REMOTE_USER:[^:]*\):[^:]*:[^:]*:/\1:$NEW_UID:$NEW_GID:/" /etc/passwd;`,
			`if [ "$old_gid" != "$NEW_GID" ]; then`,
			`sed -i "s/^\([^:]*:[^:]*\):$old_gid:/\1:$NEW_GID:/" /etc/group; fi;`,
			`chown -R "$NEW_UID:$NEW_GID" "$dir"`,
		}, " "),
		"USER " + user,
		"",
	}, "\n")
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
