package leader

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Status is what an [Elector] knows about its lease, for metrics and debug pages.
type Status struct {
	// Lease names the lease, and Identity this process in it.
	Lease    types.NamespacedName
	Identity string
	// Leading reports whether this process may write now.
	Leading bool
	// Holder is the identity of the process that had the lease when this process last saw it;
	// empty if none had. Since is when it took it, by its own clock.
	Holder string
	Since  time.Time
	// Until is when this process stops to lead unless the lease is renewed before. Zero if it does
	// not lead.
	Until time.Time
	// Terms is how often this process has begun to lead.
	Terms int
	// Err is the error of the last request for the lease, or nil.
	Err error
}

// Status returns what is known now. It sends no request, and is safe for concurrent use.
func (e *Elector) Status() Status {
	l := e.lock
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Status{
		Lease: e.lease, Identity: l.Identity(), Holder: l.holder, Since: l.since, Err: l.err, Terms: int(e.terms.Load()),
	}
	if l.fence != nil && l.fence.Check() == nil {
		s.Leading, s.Until = true, l.fence.Until()
	}
	return s
}
