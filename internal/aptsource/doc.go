// Package aptsource reads the addresses that apt fetches packages from, in both
// formats of sources.list(5).
package aptsource
