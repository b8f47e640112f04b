package api

// KernelBTF is the name of the BTF that has the kernel's own types.
const KernelBTF = "vmlinux"

// BTFRequest names a BTF object: by id, or one of the kernel's or of its modules'
// by name. Zero values select all.
type BTFRequest struct {
	ID   uint32 `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// BTF is a set of types that the kernel holds: its own, a module's, or what came
// with programs and maps.
type BTF struct {
	// ID is the kernel's; 0 where the kernel does not tell it (no privilege, or
	// before Linux 5.11), which happens to the kernel's own alone.
	ID     uint32 `json:"id,omitempty"`
	Name   string `json:"name,omitempty"` // "vmlinux" or a module's; of programs' none
	Kernel bool   `json:"kernel"`         // the kernel's or a module's
	Bytes  uint32 `json:"bytes"`          // of the raw BTF
	// Who uses it.
	ProgramIDs []uint32 `json:"prog_ids,omitempty"`
	MapIDs     []uint32 `json:"map_ids,omitempty"`
	Owners     []Owner  `json:"pids,omitempty"` // who holds it open itself, where /proc can be read
}

// BTFData is a BTF object with its bytes.
type BTFData struct {
	BTF
	// Data is as the kernel has it. A module's is split: its ids and strings go on
	// where those of KernelBTF end.
	Data []byte `json:"-"` // travels as a bulk frame
}

// Split reports whether the bytes go on where those of KernelBTF end.
func (b BTF) Split() bool { return b.Kernel && b.Name != KernelBTF }
