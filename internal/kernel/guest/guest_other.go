//go:build !linux

package guest

import (
	"context"
	"errors"
	"io"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

var errLinux = errors.New("a guest's kernel is Linux")

// IsInit is false: this is no guest.
func IsInit() bool { return false }

// Init always fails.
func Init([]string, io.Writer) error { return errLinux }

// Mailbox is of no use here.
type Mailbox struct{}

// NewMailbox always fails.
func NewMailbox() (*Mailbox, error) { return nil, errLinux }

// Meet always fails.
func (*Mailbox) Meet() (io.ReadWriteCloser, error) { return nil, errLinux }

// Serve always fails.
func Serve(context.Context, func(io.ReadWriteCloser) error) error { return errLinux }

// Commander runs nothing.
type Commander struct{}

// RunCommand always fails.
func (Commander) RunCommand(context.Context, api.CommandRequest, func(api.CommandOutput) error) (api.CommandResult, error) {
	return api.CommandResult{}, errLinux
}
