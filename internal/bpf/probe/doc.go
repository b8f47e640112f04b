// Package probe finds out what the running kernel is and what it can do with BPF.
package probe
