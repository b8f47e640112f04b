//go:build kernel && linux

package template

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// When root scaffolds in somebody's folder, it all becomes theirs.
func TestScaffoldGivesToOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs root")
		}
		t.Skip("needs root")
	}
	const uid, gid = 1234, 1235
	for _, existing := range []bool{false, true} {
		parent := t.TempDir()
		folder := filepath.Join(parent, "dir")
		theirs := parent
		if existing {
			mkdir(t, folder, 0o755)
			theirs = folder
		}
		if err := os.Chown(theirs, uid, gid); err != nil {
			t.Fatal(err)
		}
		req := request("probe", "two")
		req.Folder = folder
		if _, err := catalogue(t, small()).Scaffold(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
			if err != nil {
				return err
			}
			if st := info.Sys().(*syscall.Stat_t); st.Uid != uid || st.Gid != gid {
				t.Errorf("%s belongs to %d:%d", path, st.Uid, st.Gid)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
