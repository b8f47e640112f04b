package api

// CodeRequest asks for the code of a loaded program.
type CodeRequest struct {
	ID     uint32 `json:"id"`
	Xlated bool   `json:"xlated,omitempty"` // BPF instructions, as the verifier left them
	Jited  bool   `json:"jited,omitempty"`  // the machine's
}

// Code is the code of a loaded program, for reading.
type Code struct {
	ID      uint32     `json:"id"`
	Name    string     `json:"name"`
	Machine string     `json:"machine,omitempty"` // that the jited code is for: "x86_64"
	Xlated  []CodeFunc `json:"xlated,omitempty"`
	Jited   []CodeFunc `json:"jited,omitempty"`
	// Why there is none, in words, where it was asked for.
	XlatedHidden string `json:"xlated_hidden,omitempty"`
	JitedHidden  string `json:"jited_hidden,omitempty"`
}

// CodeFunc is the code of one function.
type CodeFunc struct {
	Name    string     `json:"name"`
	Address uint64     `json:"address,string,omitempty"` // of machine code, in the kernel; as a string, as JSON's numbers have 53 bits
	Lines   []CodeLine `json:"lines"`
}

// CodeLine is one instruction.
type CodeLine struct {
	// Offset counts BPF instructions of 8 bytes from the beginning of the program, or
	// bytes of machine code from the beginning of the function.
	Offset uint32 `json:"offset"`
	Raw    Hex    `json:"raw"`
	Text   string `json:"text"`
	// Target is the Offset that it may jump to. A call to another function of the
	// program has that function's, in BPF instructions.
	Target *uint32 `json:"target,omitempty"`
	Symbol string  `json:"symbol,omitempty"` // what it calls or refers to: a function, a map
	// Source is the line of source that begins here, when it is known.
	Source *SourceLine `json:"source,omitempty"`
}

// SourceLine is a line of a program's source, as the compiler wrote it down.
type SourceLine struct {
	File   string `json:"file"`
	Line   uint32 `json:"line"`
	Column uint32 `json:"column,omitempty"`
	Text   string `json:"text"`
}
