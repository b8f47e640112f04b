package store

import (
	"bytes"
	"os"
)

// block is the size of the holes that file systems can keep, in bytes.
const block = 4096

// writeSparse writes a file and leaves holes for zeros: a third to a half of a
// kernel is padding between its sections.
func writeSparse(name string, data []byte) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	if err := f.Truncate(int64(len(data))); err != nil {
		return err
	}
	for begin := 0; begin < len(data); {
		end := run(data, begin)
		if end == begin {
			begin += block
			continue
		}
		if _, err := f.WriteAt(data[begin:end], int64(begin)); err != nil {
			return err
		}
		begin = end
	}
	return nil
}

// run returns where the blocks that are not zero end.
func run(data []byte, begin int) int {
	var zeros [block]byte
	for begin < len(data) {
		end := min(begin+block, len(data))
		if bytes.Equal(data[begin:end], zeros[:end-begin]) {
			break
		}
		begin = end
	}
	return begin
}
