package wire

import (
	"context"
	"errors"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Call makes a call that has one request and one result.
func Call[Res, Req any](ctx context.Context, cl *Client, method string, req Req) (Res, error) {
	return CallStream[Res](ctx, cl, method, req, func(struct{}) error {
		return protocolf("an item of %s, which has none", method)
	})
}

// CallStream makes a call whose items go to fn before its result comes. fn is
// called on this goroutine; its first error cancels the call and is returned.
// When the context ends, the agent has a second to end the call in its own way
// (to take back what was half done), then the context's error is returned.
//
// Errors are the method's own (with the result that came with it), the
// context's, or a LostError.
func CallStream[Res, Item, Req any](ctx context.Context, cl *Client, method string, req Req, fn func(Item) error) (Res, error) {
	var res Res
	m, err := cl.exchange(ctx, method, &req, func(m message) error {
		var item Item
		if err := decode(m.parts, &item); err != nil {
			return misunderstood(method, err)
		}
		return fn(item)
	})
	if len(m.parts) == 0 {
		return res, err
	}
	if decodeErr := decode(m.parts, &res); decodeErr != nil && err == nil {
		err = misunderstood(method, decodeErr)
	}
	return res, err
}

func misunderstood(method string, err error) error {
	return api.E("understand", "answer to "+method, api.ErrEnvironment, err).WithHint("ebpfdev up")
}

// exchange runs a call and returns its response, or the error and what came with
// it.
func (cl *Client) exchange(ctx context.Context, method string, req any, item func(message) error) (message, error) {
	if err := ctx.Err(); err != nil {
		return message{}, err
	}
	parts, err := encode(req)
	if err != nil {
		return message{}, api.E("call", method, api.ErrInvalid, err)
	}
	s, err := cl.open(ctx, method)
	if err != nil {
		return message{}, cl.lostError(ctx, err)
	}
	over := false // nothing is left to cancel
	defer func() {
		if !over {
			cl.c.out.now(encodeFrame(kindCancel, 0, s.id, nil))
		}
		cl.c.drop(s)
	}()
	m, err := s.converse(ctx, parts, item)
	var (
		answer *remoteError
		stop   *stopError
	)
	switch {
	case err == nil:
		over = true
		return m, nil
	case errors.As(err, &answer):
		over = true
		return answer.result, cancelledError(ctx, answer.err)
	case errors.As(err, &stop), ctx.Err() != nil:
		over = true
		return s.abandon(ctx, stop)
	default:
		return message{}, cl.lostError(ctx, err)
	}
}

// abandon cancels a call and gives the agent time to end it: it may undo what
// was half done, or be done already.
func (s *stream) abandon(ctx context.Context, stop *stopError) (message, error) {
	s.c.out.now(encodeFrame(kindCancel, 0, s.id, nil))
	m, clean := s.drain(ctx)
	switch {
	case stop != nil:
		return message{}, stop.err
	case clean && m.kind == kindResponse:
		return m, nil
	case clean && m.kind == kindError:
		answer := answerOf(m)
		return answer.result, cancelledError(ctx, answer.err)
	default:
		return message{}, ctx.Err()
	}
}

// cancelledError is what a call returns whose agent answered: once the context
// has ended its own error stands for the agent's "cancelled".
func cancelledError(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return ctx.Err()
	}
	return err
}

// lostError is the error of a call that could not be carried.
func (cl *Client) lostError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !cl.c.lost():
		return err
	default:
		return &LostError{Err: err}
	}
}

// stopError is the error of an item's callback.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }

// remoteError is an error that the agent's method returned, and the result
// beside it: an edit that failed half way tells what it did.
type remoteError struct {
	err    error
	result message // without parts when there is none
}

// answerOf takes an error's message apart.
func answerOf(m message) *remoteError {
	return &remoteError{err: decodeError(m.parts[0]), result: message{kind: m.kind, parts: m.parts[1:]}}
}

func (e *remoteError) Error() string { return e.err.Error() }

// converse sends the request and takes items until the response.
func (s *stream) converse(ctx context.Context, parts [][]byte, item func(message) error) (message, error) {
	if err := s.send(ctx, kindRequest, parts); err != nil {
		return message{}, err
	}
	for {
		m, err := s.receive(ctx)
		if err != nil {
			return message{}, err
		}
		switch m.kind {
		case kindItem:
			if err := item(m); err != nil {
				return message{}, &stopError{err}
			}
		case kindResponse:
			return m, nil
		case kindError:
			return message{}, answerOf(m)
		default:
			err := protocolf("call %d: %v from an agent", s.id, m.kind)
			s.c.fail(err)
			return message{}, err
		}
	}
}

// drain waits for the end of a cancelled call. It is clean when the call ended
// in time and no item was thrown away.
func (s *stream) drain(ctx context.Context) (m message, clean bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
	defer cancel()
	clean = true
	for {
		m, err := s.receive(ctx)
		switch {
		case err != nil:
			return message{}, false
		case m.kind == kindItem:
			clean = false
		default:
			return m, clean
		}
	}
}
