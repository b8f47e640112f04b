//go:build unix

package template

import (
	"io/fs"
	"os"
	"syscall"
)

// owner is who scaffolded files are given to.
type owner struct{ uid, gid int }

// ownerOf returns who the project will belong to when root writes into
// somebody else's folder: the owner of the existing folder, or of the parent.
// It is nil when files stay with the process's own user.
func ownerOf(parent *os.Root, existing fs.FileInfo) (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	info := existing
	if info == nil {
		var err error
		if info, err = parent.Stat("."); err != nil {
			return nil, err
		}
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid == 0 {
		return nil, nil
	}
	return &owner{uid: int(st.Uid), gid: int(st.Gid)}, nil
}

// give hands a file over; a nil owner does nothing.
func (o *owner) give(stage *os.Root, name string) error {
	if o == nil {
		return nil
	}
	return stage.Lchown(name, o.uid, o.gid)
}
