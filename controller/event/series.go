package event

import (
	"container/list"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// seriesGap is how long nothing is recorded before a series ends, as in client-go.
	seriesGap = 6 * time.Minute
	// refreshAfter is how old the count of a series that goes on may be on the server, which keeps an Event
	// for an hour after its last write.
	refreshAfter = 30 * time.Minute
)

// sameness is what makes events the same: what they are about, and why.
type sameness struct {
	about, related corev1.ObjectReference
	reason         Reason
}

// series is what was recorded, and is one Event in the cluster. Its fields are guarded by Broadcaster.mu, but
// for event, which does not change.
type series struct {
	event *eventsv1.Event // as it is created, of the first one
	same  sameness
	place *list.Element

	count  int32     // of what was recorded
	last   time.Time // when the last one was
	sent   int32     // the count that the server has; 0 if the Event is not there
	wrote  time.Time // when it was sent, or given up
	queued bool      // it is to be sent, or being sent
	lost   bool      // it was given up, and is tried again after seriesGap
}

// table is the series that are remembered. It is bounded: of those that are not to be sent, the one is
// forgotten first that nothing was recorded of for longest.
type table struct {
	most  int
	of    map[sameness]*series
	order *list.List // of *series, the one that was recorded last at the end
}

func newTable(most int) table {
	return table{most: most, of: map[sameness]*series{}, order: list.New()}
}

// record notes that something was recorded. It returns the series that must be sent now: that of the event, if
// it is the first one, the second one, which makes it a series for who looks, or what could not be sent for a
// while; and those that are forgotten for it, with counts that the server does not know. ok is false if the
// table is full of those that are to be sent.
func (t *table) record(same sameness, now time.Time, first func() *eventsv1.Event) (due []*series, ok bool) {
	s := t.of[same]
	if s != nil && now.Sub(s.last) >= seriesGap && !s.queued {
		due = t.forget(s)
		s = nil
	}
	if s == nil {
		if len(t.of) >= t.most {
			forgotten, room := t.makeRoom()
			if !room {
				return nil, false
			}
			due = append(due, forgotten...)
		}
		s = &series{event: first(), same: same}
		s.place = t.order.PushBack(s)
		t.of[same] = s
	}
	s.count++
	s.last = now
	t.order.MoveToBack(s.place)
	if !s.lost && (s.sent == 0 || s.count == 2) || s.lost && now.Sub(s.wrote) >= seriesGap {
		due = append(due, s)
	}
	return due, true
}

// makeRoom forgets the series that is not to be sent and that nothing was recorded of for longest.
func (t *table) makeRoom() (due []*series, room bool) {
	for e := t.order.Front(); e != nil; e = e.Next() {
		if s := e.Value.(*series); !s.queued { //nolint:forcetypeassert // nothing else is in it
			return t.forget(s), true
		}
	}
	return nil, false
}

// forget ends a series. It is returned if the server does not know all of its count.
func (t *table) forget(s *series) (due []*series) {
	delete(t.of, s.same)
	t.order.Remove(s.place)
	if s.sent < s.count && !s.lost {
		due = append(due, s)
	}
	return due
}

// unsent returns the series whose count must be sent: of all that ended, or, if closing, of all; and of those
// that go on, if the server heard of them long ago. It forgets those that ended and are known to it.
func (t *table) unsent(now time.Time, closing bool) (due []*series) {
	for e := t.order.Front(); e != nil; {
		s := e.Value.(*series) //nolint:forcetypeassert // nothing else is in it
		e = e.Next()
		ended := now.Sub(s.last) >= seriesGap
		switch {
		case s.queued:
		case ended:
			due = append(due, t.forget(s)...)
		case s.sent < s.count && !s.lost && (closing || now.Sub(s.wrote) >= refreshAfter):
			due = append(due, s)
		}
	}
	return due
}

// now returns an Event as it is to be on the server.
func (s *series) now() *eventsv1.Event {
	event := s.event.DeepCopy()
	if s.count > 1 {
		event.Series = &eventsv1.EventSeries{Count: s.count, LastObservedTime: metav1.NewMicroTime(s.last)}
	}
	return event
}
