package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/foreign"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/kerr"
)

const (
	// senders is how many requests are under way at most: one that hangs does not hold up the others.
	senders = 4
	// sendTimeout is for one request: events are small.
	sendTimeout = 10 * time.Second
	// firstWait and longestWait are the waits after the first failure and after many.
	firstWait, longestWait = time.Second, time.Minute
	// maxTries is how often an event is sent: for two minutes, as client-go does.
	maxTries = 8
	// sweepEvery is how often it is looked for series that have ended.
	sweepEvery = time.Minute
)

// line is the series that are to be sent. Namespaces take turns, so that one in which nothing can be written,
// or in which much happens, delays no other. A failure makes a series wait, and no sender.
type line = queue.Queue[*series, changed, struct{}]

// changed is the reason why a series is in line. There is one only: what is sent is what it has become by then.
type changed struct{}

func newLine() *line {
	return queue.New[*series, changed, struct{}](queue.Options[*series]{
		Base: firstWait, Max: longestWait, Tenant: func(s *series) string { return s.event.Namespace },
	})
}

// send sends what is in line, until its end.
func (b *Broadcaster) send(ctx context.Context, to *line) {
	for {
		it, _, _, ok := to.Get()
		if !ok {
			return
		}
		s := it.Key
		event, sent := b.snapshot(s)
		var err error
		if panicked := foreign.Call(func() { err = b.write(ctx, event, sent) }); panicked != nil {
			err = panicked
		}
		if !b.again(ctx, to, it, err) {
			to.Forget(it)
			b.settle(to, s, event, err)
		}
		to.Done(it)
	}
}

// again has a series wait that was not sent, if there is a point in sending it again.
func (b *Broadcaster) again(ctx context.Context, to *line, it *queue.Item[*series, changed, struct{}], err error) (waits bool) {
	if err == nil || !passes(err) || ctx.Err() != nil {
		return false
	}
	_, failures := to.Failed(it, func(backoff time.Duration, _ int) (time.Duration, changed) {
		return kerr.NextTry(err, backoff, firstWait, longestWait), changed{}
	})
	return failures < maxTries
}

// passes reports whether an error can be over a moment later.
func passes(err error) bool {
	switch kerr.ClassOf(err) {
	case kerr.ClassTransient, kerr.ClassThrottled, kerr.ClassAmbiguous, kerr.ClassTimeout:
		return true
	default:
		return false
	}
}

// snapshot returns a series as it is to be on the server, and the count that is there.
func (b *Broadcaster) snapshot(s *series) (event *eventsv1.Event, sent int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return s.now(), s.sent
}

// settle notes what became of an event that was sent, or given up.
func (b *Broadcaster) settle(to *line, s *series, event *eventsv1.Event, err error) {
	b.mu.Lock()
	s.wrote = time.Now()
	if s.lost = err != nil; !s.lost {
		s.sent = countOf(event)
	}
	again := !s.lost && s.sent == 1 && s.count > 1 || !s.lost && b.closing && s.sent < s.count
	if s.queued = again; !again {
		b.waiting--
	}
	if b.closing && b.waiting == 0 {
		b.drained()
	}
	b.mu.Unlock()
	if again {
		to.Add(s, changed{}, queue.Change)
	}
	if err != nil {
		b.complain("event not sent", s.same.reason.name, err)
	}
}

func countOf(event *eventsv1.Event) int32 {
	if event.Series == nil {
		return 1
	}
	return event.Series.Count
}

// write makes a request or two. An Event that exists already was sent before, and the answer was lost. One
// that is gone, which is after an hour, is made anew, with its count.
func (b *Broadcaster) write(ctx context.Context, event *eventsv1.Event, sent int32) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if sent > 0 {
		if err := b.patch(ctx, event); !apierrors.IsNotFound(err) {
			return err
		}
	}
	_, err := b.repo.Create(ctx, event)
	if apierrors.IsAlreadyExists(err) {
		return b.patch(ctx, event)
	}
	return err
}

// patch sends the count.
func (b *Broadcaster) patch(ctx context.Context, event *eventsv1.Event) error {
	if event.Series == nil {
		return nil // it is there, and nothing has happened since
	}
	data, err := json.Marshal(map[string]any{"series": event.Series})
	if err != nil {
		return fmt.Errorf("count of an event: %w", err)
	}
	_, err = b.repo.Patch(ctx, event, types.MergePatchType, data)
	return err
}

// sweep sends, from time to time, what series have become, until ctx ends.
func (b *Broadcaster) sweep(ctx context.Context, to *line) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			b.mu.Lock()
			due := b.table.unsent(now, false)
			b.enqueue(to, due...)
			b.mu.Unlock()
		}
	}
}

var (
	errNotRunning = errors.New("the Broadcaster does not run")
	errFull       = errors.New("too many events wait to be sent")
)
