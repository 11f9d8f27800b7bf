package sim

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/kuberator/kuberator/test/internal/answer"
)

// stream is one open watch. A goroutine of its own writes to the client: waiting for a slow one
// delays no other, since what it has not shown yet is in the table.
type stream struct {
	server    *Server
	request   *request
	selection *selection
	table     *table
	out       *io.PipeWriter

	options *metainternalversion.ListOptions
	cursor  uint64          // what has been shown, up to here
	headed  bool            // of tables, the first has had the heads of the columns
	opened  view            // as it was when the watch began
	gone    <-chan struct{} // closed when the client closes the answer
}

// bookmarkEvery is how often a server says how far it has come, to who asked for it.
const bookmarkEvery = time.Minute

// watch serves GET with watch=true.
func (s *Server) watch(r *request) (*http.Response, error) {
	w, initial, err := s.open(r)
	if err != nil {
		return nil, err
	}
	var lasts time.Duration
	if seconds := w.options.TimeoutSeconds; seconds != nil {
		lasts = time.Duration(*seconds) * time.Second
	}
	if lasts <= 0 {
		lasts = time.Duration(30+rand.IntN(30)) * time.Minute //nolint:gosec // as the server does it
	}
	in, out := io.Pipe()
	w.out = out
	client, left := context.WithCancel(r.ctx)
	w.gone = client.Done()
	ctx, cancel := context.WithTimeout(client, lasts)
	go func() {
		defer left()
		defer cancel()
		_ = out.CloseWithError(w.run(ctx, initial)) // it never fails
	}()
	response := answer.New(http.StatusOK, mediaJSON, nil)
	response.Body, response.ContentLength = body{in, left}, -1
	return response, nil
}

// body ends its stream when the client closes it, also while nothing happens.
type body struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b body) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}

// open finds out where a watch begins. initial is what it shows before that.
func (s *Server) open(r *request) (w *stream, initial []*record, err error) {
	options, selection, err := r.selection()
	if err != nil {
		return nil, nil, err
	}
	w = &stream{server: s, request: r, selection: selection, options: options}
	w.opened, _, _ = r.session.look(r.resource.gr())
	s.store.mu.Lock()
	w.table = s.store.table(r.resource.gr())
	s.store.mu.Unlock()

	text := options.ResourceVersion
	rv := uint64(0)
	if text != "" && text != "0" {
		if rv, err = parseRV(text); err != nil {
			return nil, nil, err
		}
	}
	seen := min(w.opened.until, s.RV())
	sendInitial := options.SendInitialEvents
	switch {
	case sendInitial == nil && rv > 0:
		w.cursor = rv
		return w, nil, nil
	case sendInitial != nil && !*sendInitial && rv == 0:
		w.cursor = seen
		return w, nil, nil
	case sendInitial != nil && !*sendInitial:
		w.cursor = rv
		return w, nil, nil
	case w.bookmarked() && text == "":
		rv = s.RV() // the newest state of now, for which the cache of a real server waits
	}
	if rv > seen {
		return nil, nil, tooLarge(rv, seen)
	}
	keys, records, at, _ := s.store.list(r.resource.gr(), w.opened.until) // any state: what the cache has
	w.cursor = at
	for i, rec := range records {
		if selection.matches(keys[i], rec) {
			initial = append(initial, rec)
		}
	}
	return w, initial, nil
}

// bookmarked reports whether the client wants to be told when it has seen all that was there.
func (w *stream) bookmarked() bool {
	initial := w.options.SendInitialEvents
	return initial != nil && *initial && w.options.AllowWatchBookmarks
}

// run writes events until the client, the server or the watch's time ends.
func (w *stream) run(ctx context.Context, initial []*record) error {
	for _, rec := range initial {
		if err := w.show(watch.Added, rec); err != nil {
			return err
		}
	}
	if w.bookmarked() {
		if err := w.bookmark(map[string]any{metav1.InitialEventsAnnotationKey: "true"}); err != nil {
			return err
		}
	}
	timer := time.NewTimer(untilBookmark(ctx))
	defer timer.Stop()
	due := false // a bookmark, which says how far it has come now
	for {
		wait, err := w.advance()
		if err != nil || wait == nil {
			return err
		}
		if due {
			if err := w.remind(); err != nil {
				return err
			}
			due = false
			timer.Reset(untilBookmark(ctx))
		}
		select {
		case <-wait.news:
		case <-wait.changed:
		case <-timer.C:
			due = true
		case <-ctx.Done():
			return w.ended(ctx)
		case <-w.server.closed:
			return io.EOF
		}
	}
}

// untilBookmark: there is one every minute, and one shortly before a watch ends.
func untilBookmark(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		if last := time.Until(end) - 2*time.Second; last > 0 {
			return min(last, bookmarkEvery)
		}
	}
	return bookmarkEvery
}

// ended is how a watch closes: with its time, or, when the client has gone away, as it likes.
// From a severed session nothing comes, not even an end.
func (w *stream) ended(ctx context.Context) error {
	if _, _, severed := w.request.session.look(w.request.resource.gr()); severed {
		select {
		case <-w.gone:
		case <-w.request.ctx.Done():
		case <-w.server.closed:
		}
		return errSevered
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && w.request.ctx.Err() == nil {
		return io.EOF
	}
	return ctx.Err()
}

// wait is what can make a watch go on.
type wait struct{ news, changed <-chan struct{} }

// advance shows what is new. It returns nil when the watch is over.
func (w *stream) advance() (*wait, error) {
	for {
		now, changed, severed := w.request.session.look(w.request.resource.gr())
		switch {
		case severed:
			return &wait{}, nil
		case now.gone > w.opened.gone:
			return nil, w.fail(apierrors.NewResourceExpired("The resourceVersion for the provided watch is too old."))
		case now.closed > w.opened.closed:
			return nil, io.EOF
		}
		changes, news, seen, remembered := w.server.store.after(w.table, w.cursor, now.until)
		if !remembered {
			return nil, w.lost()
		}
		for _, c := range changes {
			if err := w.tell(c); err != nil {
				return nil, err
			}
			w.cursor = c.after.rv
		}
		w.cursor = max(w.cursor, seen)
		if len(changes) == 0 {
			return &wait{news: news, changed: changed}, nil
		}
	}
}

// lost is the end of a watch whose changes are no longer there.
func (w *stream) lost() error {
	w.server.store.mu.RLock()
	closed, oldest := w.table.closed, w.table.oldest
	w.server.store.mu.RUnlock()
	if closed {
		return io.EOF
	}
	return w.fail(apierrors.NewResourceExpired("too old resource version: " + formatRV(w.cursor) + " (" + formatRV(oldest) + ")"))
}

// tell shows a change, as it looks to a client that sees only the selection.
func (w *stream) tell(c change) error {
	before := c.before != nil && w.selection.matches(c.key, c.before)
	after := c.verb != watch.Deleted && w.selection.matches(c.key, c.after)
	switch {
	case before && after:
		return w.show(watch.Modified, c.after)
	case after:
		return w.show(watch.Added, c.after)
	case !before:
		return nil
	case c.verb == watch.Deleted:
		return w.show(watch.Deleted, c.after)
	}
	// It has left the selection: its last state there, at the resourceVersion at which it left.
	return w.show(watch.Deleted, w.request.resource.record(c.before.copy().Object, c.after.rv))
}
