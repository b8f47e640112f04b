//go:build !linux

package build

import (
	"io/fs"
	"os"
	"os/exec"
)

// buildUser is with which environment a build runs.
type buildUser struct {
	env []string
}

func (buildUser) leave() {}

func userOf(_ string, env []string) (buildUser, error) { return buildUser{env: env}, nil }

func prepare(*exec.Cmd, buildUser) {}

// group is the process of a step.
type group struct{ cmd *exec.Cmd }

func (g *group) wait() { _ = g.cmd.Wait() } // the process state says more

func (g *group) terminate() { g.kill() }

func (g *group) kill() { _ = g.cmd.Process.Kill() } // one that has ended is no error

func exitCode(state *os.ProcessState) int { return state.ExitCode() }

func runnable(fs.FileInfo) bool { return true }
