package api

import "testing"

func TestParseAttach(t *testing.T) {
	for spec, want := range map[string]AttachOption{
		"p=lo":                           {Program: "p", Target: "lo"},
		"p=lo,generic":                   {Program: "p", Target: "lo", Mode: "generic"},
		"p=lo,egress,clsact":             {Program: "p", Target: "lo", Mode: "egress,clsact"},
		"p=lo,fast":                      {Program: "p", Target: "lo", Mode: "fast"}, // the target says that there is none
		"p=/sys/fs/a,b":                  {Program: "p", Target: "/sys/fs/a,b"},
		"p=/sys/fs/a,b,ingress":          {Program: "p", Target: "/sys/fs/a,b", Mode: "ingress"},
		"*=/bin/a,b:f+4":                 {Program: "*", Target: "/bin/a,b:f+4"},
		"p=/bin/bash:readline,pid=12":    {Program: "p", Target: "/bin/bash:readline", Mode: "pid=12"},
		"p=ip:input,priority=-5,defrag":  {Program: "p", Target: "ip:input", Mode: "priority=-5,defrag"},
		"p=vfs_*,do_unlinkat":            {Program: "p", Target: "vfs_*", Mode: "do_unlinkat"}, // the target joins them
		"p=cpu-clock,freq=99,pid=1":      {Program: "p", Target: "cpu-clock", Mode: "freq=99,pid=1"},
		"p=/usr/lib/libc.so.6:libc:exit": {Program: "p", Target: "/usr/lib/libc.so.6:libc:exit"},
	} {
		if got, ok := ParseAttach(spec); !ok || got != want {
			t.Errorf("ParseAttach(%q) = %+v, %v", spec, got, ok)
		}
	}
	for _, spec := range []string{"", "lo", "=lo", "p="} {
		if got, ok := ParseAttach(spec); ok {
			t.Errorf("ParseAttach(%q) = %+v", spec, got)
		}
	}
}
