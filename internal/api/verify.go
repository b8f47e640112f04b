package api

import "time"

// VerifyRequest asks for verdicts on an object's programs.
type VerifyRequest struct {
	Object   Object   `json:"object"`
	Programs []string `json:"programs,omitempty"` // names; empty for all
	Set      []Global `json:"set,omitempty"`      // global variables, as for a load
	// Load verifies what a load with Attach would load: programs for the targets that
	// they are loaded for, and optional ones only when Attach names them.
	Load    bool           `json:"load,omitempty"`
	Attach  []AttachOption `json:"attach,omitempty"`
	FullLog bool           `json:"full_log,omitempty"` // also the log of programs that pass (level 2)
}

// Verdict is what the kernel said.
type Verdict string

// The verdicts.
const (
	VerdictAccepted Verdict = "accepted"
	VerdictRejected Verdict = "rejected" // by the verifier
	// VerdictError: the program did not get as far as the verifier (missing
	// target, privilege, unknown type); Reason says why.
	VerdictError Verdict = "error"
)

// VerifyResult is the report on one object.
type VerifyResult struct {
	Object   string          `json:"object"`
	Kernel   string          `json:"kernel"` // release
	Programs []ProgramReport `json:"programs"`
}

// ProgramReport is the verdict on one program and what it cost.
type ProgramReport struct {
	Program string  `json:"program"`
	Section string  `json:"section"`
	Type    string  `json:"type"`
	Verdict Verdict `json:"verdict"`
	// Figures as the verifier prints them; zero when it did not.
	Insns            int           `json:"insns"` // instructions processed
	States           int           `json:"states"`
	PeakStates       int           `json:"peak_states"`
	MaxStatesPerInsn int           `json:"max_states_per_insn"`
	MarkRead         int           `json:"mark_read"`
	StackDepth       int           `json:"stack_depth"` // bytes, the sum over all functions
	ProgramSize      int           `json:"prog_size"`   // instructions before the verifier, 16-byte ones counted twice
	BytesXlated      int           `json:"bytes_xlated"`
	BytesJited       int           `json:"bytes_jited"`
	VerificationTime time.Duration `json:"verification_time_ns"`
	Log              string        `json:"log,omitempty"` // for those refused, or when asked for
	LogTruncated     bool          `json:"log_truncated,omitempty"`
	Reason           string        `json:"reason,omitempty"` // one line, when not accepted
	File             string        `json:"file,omitempty"`   // source of the refused instruction, as the compiler was given it
	Line             int           `json:"line,omitempty"`
	Source           string        `json:"source,omitempty"`
	Why              string        `json:"why,omitempty"` // the cause in words
	Fix              string        `json:"fix,omitempty"`
}
