package conform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// bookmark is the type of an event that says how far a watch has come.
const bookmark = "BOOKMARK"

// maxEvents is more than any script causes.
const maxEvents = 10_000

// event is one event of a watch.
type event struct {
	Type   string         `json:"type"`
	Object map[string]any `json:"object"`
}

// watch reads the events of an open answer as they come.
type watch struct {
	patience time.Duration
	events   chan event
	cancel   context.CancelFunc
	err      error // how the stream ended, to be read once events is closed
}

func newWatch(body io.ReadCloser, cancel context.CancelFunc, patience time.Duration) *watch {
	w := &watch{patience: patience, events: make(chan event, maxEvents), cancel: cancel}
	go func() {
		defer close(w.events)
		defer body.Close()
		decoder := json.NewDecoder(body)
		decoder.UseNumber()
		for {
			var next event
			if err := decoder.Decode(&next); err != nil {
				if !errors.Is(err, io.EOF) {
					w.err = err
				}
				return
			}
			w.events <- next
		}
	}()
	return w
}

// close ends the watch from this side.
func (w *watch) close() {
	w.cancel()
	for range w.events {
		continue // until the reader is gone
	}
}

// next returns the next event; ok is false when the server ended the watch.
func (w *watch) next(ctx context.Context) (e event, ok bool, err error) {
	timer := time.NewTimer(w.patience)
	defer timer.Stop()
	select {
	case e, ok = <-w.events:
		if !ok {
			err = w.err
		}
		return e, ok, err
	case <-timer.C:
		return event{}, false, fmt.Errorf("no event within %v", w.patience)
	case <-ctx.Done():
		return event{}, false, ctx.Err()
	}
}

// wanted reads the events that a step asks for. A server that was allowed to sends
// bookmarks when it likes, a second one right after the end of a list too: they are
// events only for a step that names them.
func (w *watch) wanted(ctx context.Context, c command) (events []event, closed bool, err error) {
	for {
		e, ok, err := w.next(ctx)
		switch {
		case err != nil:
			return nil, false, fmt.Errorf("reading event %d of watch %s: %w", len(events)+1, c.watch, err)
		case !ok:
			return events, true, nil
		case e.Type == bookmark && !c.namesBookmarks():
			continue
		case c.only != "":
			if matches(e, c.only) {
				return []event{e}, false, nil
			}
			continue
		}
		events = append(events, e)
		if len(events) == c.count || c.to != "" && matches(e, c.to) {
			return events, false, nil
		}
	}
}

// matches reports whether an event is of a type, and about a name if there is one.
func matches(e event, wanted string) bool {
	kind, name, named := strings.Cut(wanted, "/")
	metadata, _ := e.Object["metadata"].(map[string]any)
	return e.Type == kind && (!named || metadata["name"] == name)
}

// openWatch starts a watch, or returns the answer that refused it.
func (c *client) openWatch(ctx context.Context, step *Step, v *values) (*watch, *answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	asked := *step
	separator := "?"
	if strings.Contains(asked.parsed.target, "?") {
		separator = "&"
	}
	asked.parsed.target += separator + "watch=true"
	late := time.AfterFunc(c.patience, cancel)
	response, err := c.open(ctx, &asked, v)
	if !late.Stop() || err != nil {
		cancel()
		return nil, nil, errors.Join(fmt.Errorf("opening watch %s, which may take %v", step.parsed.watch, c.patience), err)
	}
	if response.StatusCode != http.StatusOK {
		defer cancel()
		defer response.Body.Close()
		refusal, err := read(response)
		return nil, refusal, err
	}
	return newWatch(response.Body, cancel, c.patience), nil, nil
}
