package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// stat is what is used of /proc/PID/stat.
type stat struct {
	state  byte
	parent int
	ticks  uint64 // of processor time
	start  uint64 // clock ticks after boot
}

// readStat reads a process's stat; false when there is none.
func readStat(pid int) (stat, bool) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return stat{}, false
	}
	// The name before is in parentheses and may hold any byte.
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	const state, parent, user, system, start = 0, 1, 11, 12, 19 // proc(5), less 3
	if len(fields) <= start {
		return stat{}, false
	}
	s := stat{state: fields[state][0]}
	s.parent, _ = strconv.Atoi(fields[parent])
	for _, i := range []int{user, system} {
		n, _ := strconv.ParseUint(fields[i], 10, 64)
		s.ticks += n
	}
	s.start, _ = strconv.ParseUint(fields[start], 10, 64)
	return s, true
}

// idOf returns who has a number now.
func idOf(pid int) (ID, bool) {
	s, ok := readStat(pid)
	return ID{PID: pid, Start: s.start}, ok
}

// alive reports whether a process still runs. One that has ended and was not
// waited for does not.
func (id ID) alive() bool {
	s, ok := readStat(id.PID)
	return ok && s.start == id.Start && s.state != 'Z' && s.state != 'X'
}

// bootID names this boot of the machine.
func bootID() string {
	data, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(data))
}

// Running reports whether the loader of a record still runs, or has ended and
// its keeper is about to write down how.
func (r *Record) Running() bool {
	return r.Ended == nil && r.Boot == bootID() && (r.Loader.alive() || r.Keeper.alive())
}

// Tree returns the loader of a record and all its descendants, and how much
// processor time they have used. It is empty when the loader does not run.
func (r *Record) Tree() (pids []int, used time.Duration) {
	if !r.Running() {
		return nil, 0
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, 0
	}
	stats, children := map[int]stat{}, map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if s, ok := readStat(pid); ok {
			stats[pid] = s
			children[s.parent] = append(children[s.parent], pid)
		}
	}
	// Those that the loader left behind are its keeper's children.
	pids = []int{r.Loader.PID}
	if r.Keeper.alive() {
		for _, pid := range children[r.Keeper.PID] {
			if pid != r.Loader.PID {
				pids = append(pids, pid)
			}
		}
	}
	var ticks uint64
	for i := 0; i < len(pids); i++ {
		pids = append(pids, children[pids[i]]...)
		ticks += stats[pids[i]].ticks
	}
	const tick = time.Second / 100 // USER_HZ, the same on every architecture that Go knows
	return pids, time.Duration(ticks) * tick
}
