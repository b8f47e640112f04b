//go:build docker && !linux

package workspace_test

func asLoader() (code int, was bool) { return 0, false }

func (f *fixture) loader() []string { return nil }
