package sim

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// view is how far the watch cache of one kind has come, for one session. On a real server
// that is what an API server has heard of etcd: reads that ask for the newest state
// (resourceVersion unset) do not see it, watches and reads that accept any state (0) do.
type view struct {
	until  uint64 // newest: no bound
	closed int    // how often watches were closed
	gone   int    // and expired
}

// Watches controls the watches of one resource in one session: they can be delayed and ended.
type Watches struct {
	session *Session
	gr      schema.GroupResource
}

// Watches returns control over the watches of a resource, which is named as for [Core].
func (s *Session) Watches(resource string) Watches {
	return Watches{session: s, gr: schema.ParseGroupResource(resource)}
}

// Watches is [Session.Watches] for clients of the server itself.
func (s *Server) Watches(resource string) Watches { return s.root.Watches(resource) }

// Hold freezes what this session sees of the resource: neither watches nor reads that accept a
// cached state show changes after now, until Release.
func (w Watches) Hold() { w.change(func(v *view) { v.until = w.session.server.RV() }) }

// ReleaseTo lets watches show changes up to a resourceVersion, and none after it. It can be in
// the past, for a process that starts with an API server whose cache is behind.
func (w Watches) ReleaseTo(rv uint64) { w.change(func(v *view) { v.until = rv }) }

// Release ends Hold and ReleaseTo: everything that was held back is shown.
func (w Watches) Release() { w.change(func(v *view) { v.until = newest }) }

// Close ends the watches that are open, as a server does with its timeout.
func (w Watches) Close() { w.change(func(v *view) { v.closed++ }) }

// Gone ends the watches that are open with 410 Expired.
func (w Watches) Gone() { w.change(func(v *view) { v.gone++ }) }

func (w Watches) change(how func(*view)) {
	s := w.session
	s.mu.Lock()
	defer s.mu.Unlock()
	how(s.view(w.gr))
	if !s.severed {
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// view returns the view of a kind, with the lock held.
func (s *Session) view(gr schema.GroupResource) *view {
	v := s.views[gr]
	if v == nil {
		v = &view{until: newest}
		s.views[gr] = v
	}
	return v
}

// look returns the view of a kind as it is now, and a channel that is closed at its next change.
func (s *Session) look(gr schema.GroupResource) (v view, changed <-chan struct{}, severed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.view(gr), s.changed, s.severed
}
