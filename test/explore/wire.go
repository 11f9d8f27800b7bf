package explore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kuberator/kuberator/test/internal/answer"
	"github.com/kuberator/kuberator/test/internal/apirequest"
)

// wire is the way of a process to the world. It names the process's writes, and carries out what the
// plan has for them.
type wire struct {
	world   *world
	process *process
	next    http.RoundTripper
	rush    rush
}

// RoundTrip forwards a request.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	asked, ok := apirequest.Parse(r)
	if !ok {
		asked = apirequest.Info{} // for the version of the server, or what it serves
	}
	if asked.Writes() && asked.Resource.Resource == "events" {
		return w.record(r, asked)
	}
	if err := w.takeTime(r.Context()); err != nil {
		return nil, err
	}
	if ok && w.rushes(asked) {
		return nil, w.gone(r.Context())
	}
	w.elects(asked)
	what, writes := writeOf(r, asked)
	if !writes {
		response, err := w.next.RoundTrip(r)
		if err == nil {
			err = w.hurry(response, asked)
		}
		if err != nil {
			return nil, err
		}
		w.delay(response, asked)
		response.Body = quietEnd{response.Body, func() bool { return r.Context().Err() != nil }}
		return response, nil
	}
	var response *http.Response
	err := w.carry(r.Context(), what, func() (code int, err error) {
		if response, err = w.next.RoundTrip(r); err == nil {
			code = response.StatusCode
		}
		return code, err
	})
	if rejected, ok := errors.AsType[*rejection](err); ok {
		return answer.Status(r, rejected.Status())
	}
	if err != nil {
		if response != nil {
			_ = response.Body.Close() // in memory
		}
		return nil, err
	}
	return response, nil
}

// errLost is how a client learns that an answer is lost.
var errLost = fmt.Errorf("explore: the answer is lost: %w", io.ErrUnexpectedEOF)

// carry lets a write take effect by calling send, or does what the plan has for it. send returns the status
// code of the answer, or 0 if there is none.
func (w *wire) carry(ctx context.Context, what fmt.Stringer, send func() (code int, err error)) error {
	if w.world.isCrashed(w.process) {
		return w.gone(ctx) // it is no write any more
	}
	at, before := w.world.point(what)
	if w.tooMany(at) {
		return w.gone(ctx)
	}
	fault, planned := w.world.due(at)
	sent := func() error {
		rec := w.world.begin(at, what)
		code, err := send()
		w.world.end(w.process, rec, code, err)
		return err
	}
	if !planned {
		return sent()
	}
	w.world.happened(fault, w.process, at)
	switch fault {
	case NotSentCrash, StaleRestart:
		if fault == NotSentCrash {
			before = 0
		}
		w.world.crash(w.process, before)
		return w.gone(ctx)
	case CommittedCrash:
		_ = sent() // the client is gone
		w.world.crash(w.process, 0)
		return w.gone(ctx)
	case CommittedError:
		if err := sent(); err != nil {
			return err
		}
		return errLost
	case Conflict:
		w.world.touch(what)
	case SecondLeader:
		w.world.startAnother()
		if err := w.underWay(ctx); err != nil {
			return err
		}
	case StaleCache:
		if of, ok := what.(written); ok {
			w.world.holdBack(w.process, of.Resource.GroupResource())
		}
	case StaleCaches:
		w.world.holdBack(w.process)
	case Rejected409, Rejected429, Rejected500, Rejected504:
		return reject(fault, what)
	case Paused, NoLease, SlowClock, Gap, Revert: // the latter two not at writes
		w.world.hinder(w.process, fault)
	}
	return sent()
}

// underWay is the time in which a write is on its way, while another process does its work.
func (w *wire) underWay(ctx context.Context) error {
	select {
	case <-time.After(restBeforeStep):
	case <-ctx.Done():
		return ctx.Err()
	case <-w.world.over:
	}
	return nil
}

// gone is how a call ends that a crashed process made: never, as far as the process lives.
func (w *wire) gone(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-w.world.over:
		return errors.New("explore: this process has crashed")
	}
}

// rejection is an answer by which the server refuses a write.
type rejection struct{ *apierrors.StatusError }

func reject(how FaultKind, what fmt.Stringer) error {
	gr, name, verb := schema.GroupResource{}, "", ""
	if w, ok := what.(written); ok {
		gr, name, verb = w.Resource.GroupResource(), w.Name, w.Verb
	}
	switch how {
	case Rejected409:
		return &rejection{apierrors.NewConflict(gr, name, errors.New("the object has been modified; please apply your changes to the latest version and try again"))}
	case Rejected429:
		return &rejection{apierrors.NewTooManyRequests("explore: too many requests", 1)}
	case Rejected504:
		return &rejection{apierrors.NewTimeoutError("explore: the request timed out", 0)}
	default:
		return &rejection{apierrors.NewInternalError(fmt.Errorf("explore: %s failed", verb))}
	}
}
