package sim

import (
	"errors"
	"fmt"
)

// Rewind resets the server to a resourceVersion, as when etcd is restored from a backup: all
// objects are as they were, with the resourceVersions that they had, and later changes are
// undone. The next write gets the resourceVersion after rv, which another write had before.
//
// Watches that are open end, as the API servers have to be restarted. One that begins again
// where it was, which now is in the future, shows nothing until the server is there once
// more; lists from there are answered with 504.
//
// It is no write of an object, so [Options].OnChange is not called.
//
// # Errors
//
// A resourceVersion that is in the future, one that is not kept any more ([Options].History,
// [Server.Expire]), and one since which a CustomResourceDefinition has changed: the served kinds
// do not go back. Nothing changes then.
func (s *Server) Rewind(rv uint64) error {
	if err := s.store.rewind(rv); err != nil {
		return fmt.Errorf("rewind the simulated API server to %d: %w", rv, err)
	}
	s.control.wake()
	return nil
}

func (s *store) rewind(rv uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rv > s.rv {
		return fmt.Errorf("the newest resourceVersion is %d", s.rv)
	}
	for gr, t := range s.tables {
		switch {
		case rv < t.oldest:
			return fmt.Errorf("what is remembered of %s begins at %d", gr, t.oldest)
		case gr == definitions.gr() && len(t.changes) > t.shown(rv):
			return errors.New("a CustomResourceDefinition has changed since")
		}
	}
	for gr, t := range s.tables {
		s.tables[gr] = t.rewound(rv)
	}
	s.rv = rv
	return nil
}

// rewound returns a table as it was, and ends the watches of what it has become.
func (t *table) rewound(rv uint64) *table {
	t.closed = true
	t.wake()
	return &table{objects: t.asOf(rv), changes: t.changes[:t.shown(rv):t.shown(rv)], oldest: t.oldest, news: make(chan struct{})}
}
