// Package process runs programs that load BPF programs themselves (bpftrace, a
// Python program with BCC, a project's own loader) and hold them while they run.
//
// Each such loader has a keeper: this very binary, started again in a session of
// its own. The keeper is the loader's parent, so that no signal can ever reach a
// stranger who got its number; it writes what the loader prints to a log of
// bounded size, and it ends the loader, first as Ctrl-C would. What it knows is
// in a folder of its project's name:
//
//	/run/ebpfdev/PROJECT/process.json   who runs, since when and for how long
//	/run/ebpfdev/PROJECT/output         the newest lines that it printed
//	/run/ebpfdev/PROJECT/output.old     those before
//
// The keeper holds a lock (flock) on the folder for as long as it lives.
//
// Until it is told to keep the loader, a keeper ends it at the end of its own
// input: whoever asked for the loader has been killed, or is done with it.
package process
