package debian

import (
	"io/fs"

	"github.com/ebpfdev/ebpfdev/internal/aptsource"
)

// System returns the archive that a machine uses, whose root folder is given: the
// mirrors of its apt, unless there is an address, and the keys that it trusts.
// Errors: ErrUsage (the address), ErrEnvironment (a key cannot be read).
func System(root fs.FS, address string) (*Archive, error) {
	mirrors := Mirrors(aptsource.Read(root))
	if address != "" {
		m, err := NewMirror(address)
		if err != nil {
			return nil, err
		}
		mirrors = []Mirror{m}
	}
	keys, err := SystemKeys(root)
	if err != nil {
		return nil, err
	}
	pins, err := Pins()
	if err != nil {
		return nil, err
	}
	return New(Options{Mirrors: mirrors, Keys: keys, Pins: pins}), nil
}
