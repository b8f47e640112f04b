// Package perfevent opens the clocks and counters of perf_event_open(2) that a
// program of type perf_event is attached to.
package perfevent
