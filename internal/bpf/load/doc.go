// Package load puts the programs and maps of an object into the kernel, and
// says in words why the kernel refused when it did.
package load
