package object

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Limits of a process that parses an object nobody vouches for.
const (
	maxMemory  = 512 << 20 // bytes beyond what the process has mapped already
	maxSeconds = 5         // of processor time
)

// setLimits limits this process for good. The address space limit counts from
// what is mapped now: Go's runtime reserves more than half a gigabyte of
// address space, without using it, before main begins.
func setLimits() error {
	mapped, err := mappedBytes()
	if err != nil {
		return err
	}
	for resource, limit := range map[int]uint64{
		unix.RLIMIT_AS:    mapped + maxMemory,
		unix.RLIMIT_DATA:  maxMemory,
		unix.RLIMIT_CPU:   maxSeconds,
		unix.RLIMIT_CORE:  0,
		unix.RLIMIT_FSIZE: 0,
	} {
		var now unix.Rlimit
		if err := unix.Getrlimit(resource, &now); err != nil {
			return os.NewSyscallError("getrlimit", err)
		}
		limit = min(limit, now.Max)
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return os.NewSyscallError("setrlimit", err)
		}
	}
	return nil
}

// mappedBytes returns the size of this process's address space.
func mappedBytes() (uint64, error) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	pages, _, _ := strings.Cut(string(statm), " ")
	n, err := strconv.ParseUint(pages, 10, 64)
	if err != nil {
		return 0, err
	}
	return n * uint64(os.Getpagesize()), nil
}
