// Package near is a placeholder.
package near

// Names returns nothing.
func Names(want string, from []string, n int) []string { return nil }
