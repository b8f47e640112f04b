package api

import "context"

// Target is a kernel: where programs are loaded and what it holds is seen and
// edited. See the package comment for the rules that hold for every method.
type Target interface {
	Loader
	Inspector
	Types
	Maps
	Events
	Programs
	Verifier
	Prober

	// Close ends the target. Loads with LifetimeSession are taken back.
	// After Close every method returns ErrUnreachable.
	Close() error
}

// Loader puts programs into the kernel and takes them out again.
type Loader interface {
	// Load loads every program of an object, attaches what can be attached and
	// keeps it alive as the request's Lifetime says. It is all or nothing:
	// after an error nothing of the object is left in the kernel or in bpffs,
	// and with Replace what was loaded before goes on, but for programs that had to
	// be removed before the new one could be attached (ReplacedAfterGap).
	//
	// With a Process instead, it starts that and returns once the process holds
	// BPF programs and takes no more; one that is LifetimePinned goes on without
	// the target until Unload. After an error the process is gone.
	// Further errors then: *ToolError (the process ended first), ErrTimeout (it
	// runs and holds no program), ErrEnvironment (there is no such program).
	//
	// Errors: ErrInvalid (not an ELF object, too big), *VerifierError
	// (refused), ErrNotSupported (this kernel lacks the program type or the
	// attach target), ErrPermission, ErrConflict (the project is already
	// loaded and Replace is not set, a map that is to be used is defined in another
	// way), ErrUsage (an attach option names no
	// program, Set no variable, the request has not exactly one of Object and
	// Process).
	Load(ctx context.Context, req LoadRequest) (LoadResult, error)

	// Unload takes back what Load made for a project: links first, then
	// programs, then maps. Only pins whose id and tag still match are removed.
	// A process that Load started is asked to end, as Ctrl-C asks it, and is
	// killed when it does not; a process of another start is left alone.
	// A project that has nothing loaded gives an empty result and no error.
	// Errors: ErrNotExist (a name or a pin is not there; nothing is removed then).
	Unload(ctx context.Context, req UnloadRequest) (UnloadResult, error)

	// Detach ends one attachment, whoever made it: its program stays loaded as long
	// as somebody holds it, and so does the link, without effect (Linux 5.9).
	// Errors: ErrNotExist, ErrNotSupported (links of tracing and perf events end
	// with who holds them, which the error names), ErrPermission.
	Detach(ctx context.Context, req DetachRequest) error
}

// Inspector shows what the kernel holds, ours or not. An id that vanishes while
// it is read is left out and is no error. Lists are sorted by id.
type Inspector interface {
	// ListPrograms returns the programs that match.
	ListPrograms(ctx context.Context, req ListRequest) ([]Program, error)
	// ListMaps returns the maps that match.
	ListMaps(ctx context.Context, req ListRequest) ([]Map, error)
	// ListLinks returns the links that match.
	ListLinks(ctx context.Context, req ListRequest) ([]Link, error)
	// ReadCode returns a program's code, for reading. What the kernel hides is left
	// out, and the result says why; that is no error.
	// Errors: ErrUsage (nothing is asked for), ErrNotExist, ErrPermission.
	ReadCode(ctx context.Context, req CodeRequest) (Code, error)
	// ListProcesses returns the processes that Load started for a project, or for
	// all, sorted by project; those that ended by themselves too.
	ListProcesses(ctx context.Context, req ListRequest) ([]RunningProcess, error)
	// ListPlaces returns what is attached at the places of a kind, place by place and
	// there in the order in which it runs. What vanishes meanwhile is left out.
	// Errors: ErrUsage (no such kind, a folder that is no cgroup), ErrNotExist
	// (no such folder), ErrNotSupported (nothing of the kind here), ErrPermission.
	ListPlaces(ctx context.Context, req PlacesRequest) ([]Place, error)
}

// Types hands out the types that the kernel holds, as the raw BTF that it has: who
// asks makes C, or a picture, of them.
type Types interface {
	// ListBTF returns the BTF objects that match, sorted by id, and who uses each.
	// Without privilege it returns those of the kernel and its modules, which
	// everybody may read, without ids. A kernel without BTF gives an empty list.
	ListBTF(ctx context.Context, req BTFRequest) ([]BTF, error)

	// ReadBTF returns one BTF object. That of the kernel and of modules needs no
	// privilege when it is named.
	// Errors: ErrUsage (the request names none), ErrNotExist, ErrPermission.
	ReadBTF(ctx context.Context, req BTFRequest) (BTFData, error)
}

// Maps reads and edits map entries. Queries run next to the data: the target
// scans, sorts and pages, a frontend gets at most a screenful.
type Maps interface {
	// QueryMap returns one page of a map's entries. It changes nothing: of a queue or
	// a stack the page has the entry that would be taken next, of a ring buffer the
	// records that wait, and all of them stay where they are.
	// Errors: ErrNotExist, ErrNotSupported (the type's entries cannot be read:
	// bloom filter, arena, perf event array …), ErrUsage (the filter, the order).
	QueryMap(ctx context.Context, req QueryRequest) (Page, error)

	// ExportMap streams the entries that match in chunks of at most 4096.
	ExportMap(ctx context.Context, req ExportRequest, fn func(Chunk) error) (ExportResult, error)

	// LookupMap returns the entries of some keys, in their order.
	// Errors: ErrNotExist (one is not there, or an empty queue), ErrInvalid (a key),
	// ErrNotSupported.
	LookupMap(ctx context.Context, req LookupRequest) ([]Entry, error)

	// StatMap counts entries and sums up the numbers in them.
	StatMap(ctx context.Context, req StatsRequest) (MapStats, error)

	// WatchMap sends the page of the query at once and then after every
	// interval in which it was asked for, until the context ends.
	WatchMap(ctx context.Context, req WatchRequest, fn func(Page) error) error

	// EditMap applies edits one by one and stops at the first that fails;
	// the result says how many were applied. With Expect set an edit is a
	// compare-and-set: ErrConflict when the entry is no longer that value.
	EditMap(ctx context.Context, req EditRequest) (EditResult, error)
}

// Events streams what programs send to user space.
type Events interface {
	// StreamEvents sends records of ring buffers and perf event arrays and the
	// lines that programs print with bpf_printk, until the context ends.
	// Lost records are counted and reported as an event of their own. Of a
	// project that a process loaded it sends what that prints, and ends with the
	// process: without an error when that exited with 0, else with a *ToolError.
	StreamEvents(ctx context.Context, req EventsRequest, fn func(Event) error) error
}

// Verifier loads programs without attaching them, for the verdict alone.
type Verifier interface {
	// Verify returns a report for each program of the object, also for those
	// that were refused: a refusal is a result, not an error. Nothing stays in
	// the kernel.
	Verify(ctx context.Context, req VerifyRequest) (VerifyResult, error)
}

// Prober tells what a kernel is, can do and has.
type Prober interface {
	// Probe looks at the kernel and its mounts. What cannot be read is left
	// empty and named in Kernel.Unknown; it is never an error.
	Probe(ctx context.Context, req ProbeRequest) (Kernel, error)

	// Resolve tells which attach points are there, by name: nothing is loaded or
	// attached. Names that are near a missing one come with it.
	// Errors: ErrUsage (too many points).
	Resolve(ctx context.Context, req ResolveRequest) (ResolveResult, error)
}

// Builder turns a project's sources into objects. It is apart from Target: a
// guest kernel cannot build.
type Builder interface {
	// Build runs the project's own build and returns the objects it made.
	// Lines of the tools are sent to fn as they come.
	// Errors: *ToolError (a compiler failed), ErrNotExist (no project there; a
	// session also: the sources name attach points that its kernel has not),
	// ErrUsage (a framework that compiles when it runs has nothing to build).
	Build(ctx context.Context, req BuildRequest, fn func(BuildEvent) error) (BuildResult, error)
}
