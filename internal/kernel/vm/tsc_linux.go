package vm

import (
	"os"
	"regexp"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tscKHz returns how fast this machine's time stamp counter is, which an emulated
// guest reads too; 0 when nobody says.
func tscKHz() uint64 {
	if khz := tscOfPerf(); khz > 0 {
		return khz
	}
	return tscOfGuest()
}

// tscOfPerf asks the page that a perf event shares with its owner: it has a
// multiplier and a shift from cycles to nanoseconds (Linux 3.12,
// linux/perf_event.h). A kernel whose own clock is a hypervisor's gives none.
func tscOfPerf() uint64 {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_DUMMY, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Bits: unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv,
	}
	fd, err := unix.PerfEventOpen(&attr, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return 0
	}
	defer func() { _ = unix.Close(fd) }()
	page, err := unix.Mmap(fd, 0, os.Getpagesize(), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return 0
	}
	defer func() { _ = unix.Munmap(page) }()
	p := (*unix.PerfEventMmapPage)(unsafe.Pointer(&page[0]))
	const userTime = 1 << 3 // cap_user_time
	if p.Capabilities&userTime == 0 || p.Time_mult == 0 {
		return 0
	}
	return 1_000_000 << p.Time_shift / uint64(p.Time_mult)
}

// cpuMHz is a line of /proc/cpuinfo.
var cpuMHz = regexp.MustCompile(`(?m)^cpu MHz\s*: (\d+)\.(\d{3})$`)

// tscOfGuest is for a machine that is a virtual one itself: it does not scale its
// processors, so that their speed in /proc/cpuinfo is the counter's.
func tscOfGuest() uint64 {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return 0
	}
	m := cpuMHz.FindSubmatch(text)
	if m == nil {
		return 0
	}
	khz, _ := strconv.ParseUint(string(m[1])+string(m[2]), 10, 64) // three digits after the point
	return khz
}
