//go:build !unix

package template

import (
	"io/fs"
	"os"
)

// owner is who scaffolded files are given to; here they stay with whoever runs
// the process.
type owner struct{}

func ownerOf(*os.Root, fs.FileInfo) (*owner, error) { return nil, nil }

func (*owner) give(*os.Root, string) error { return nil }

// rename moves the staged folder to its place. Windows renames over nothing, so
// that an empty folder goes first; removing fails when it is no longer empty.
func rename(parent *os.Root, temp, base string, existing bool) error {
	if existing {
		if err := parent.Remove(base); err != nil {
			return err
		}
	}
	return parent.Rename(temp, base)
}
