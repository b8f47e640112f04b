// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"os"
	"testing"
)

// needRoot skips a test that loads programs.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root: make test")
	}
}
