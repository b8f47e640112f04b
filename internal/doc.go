// Package internal holds ebpfdev, in layers. Imports only point down; the
// linter's configuration (.golangci.yml) refuses the others.
//
//	cmd/ebpfdev      signals, streams, exit code        templates   files, embedded
//	     |                                                   |
//	  frontends   cli ───────> tui                            | fs.FS passed in
//	     |          └> output, prompt, iostreams              |
//	  wiring      workspace, doctor, trial                    |
//	     |                                                    |
//	  services    local      remote      agent      kernel    |
//	     |                                                    |
//	  outside     bpf/…   build   engine/…   kernel/…   wire  |
//	     |                                                    |
//	  pure        devcontainer  template <────────────────────┘
//	              project  verifier  btfview  btfc  disasm
//	              mapexpr  aptsource  near  shell  safe  packets  api
//
//	  tests       apitest, kerneltest
//
// Package api is the contract: frontends know it and nothing below it. The
// implementations of api.Target are local (this kernel), remote (an agent's
// kernel) and apitest's fake; one conformance suite, apitest, runs against all.
// Only cmd/ebpfdev imports both frontends and what is behind api.
//
// Each library from outside has one home: cilium/ebpf's system calls in bpf/…,
// the Docker client in engine/docker, Charm in tui, cobra in cli, hujson in
// devcontainer, OpenPGP in kernel/debian.
//
// docs/architecture.md walks one command from argv to bpf(2) and back.
package internal
