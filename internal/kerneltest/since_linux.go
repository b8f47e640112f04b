package kerneltest

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Since skips a test of what came with a version of Linux, "6.2", on an older
// kernel. On this version and all later ones it has to pass: that it is not there
// is no reason to skip.
func Since(t testing.TB, version string) {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	release := unix.ByteSliceToString(u.Release[:])
	if older(release, version) {
		t.Skipf("it came with Linux %s; this is %s", version, release)
	}
}

// older reports whether a release, "6.12.118+deb13", is of a version before one.
func older(release, version string) bool {
	number := func(s string) (n int) {
		var major, minor int
		_, _ = fmt.Sscanf(strings.ReplaceAll(s, ".", " "), "%d %d", &major, &minor)
		return major<<16 + minor
	}
	return number(release) < number(version)
}

// Missing skips a test for want of something on this machine that no kernel's
// version explains, and fails it when CI is set in the environment.
func Missing(t testing.TB, what string) {
	t.Helper()
	if ci, _ := os.LookupEnv("CI"); ci == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}
