// Package events streams what BPF programs send to user space: records of ring
// buffers and perf event arrays, and the lines that they print with bpf_printk.
package events
