// Package tracefs finds the trace file system, which tracepoints and probes are
// named in and which carries what programs print.
package tracefs
