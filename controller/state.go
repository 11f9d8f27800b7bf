package controller

import (
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/attempt"
)

// states is what this process knows of objects beyond its cache, by key, for the
// UID that the key has now. The zero value is ready to use.
type states struct {
	mu sync.Mutex
	of map[types.NamespacedName]state
}

// state belongs to one UID. A new object of the same name starts without one.
type state struct {
	uid types.UID
	// worked is the resourceVersion of the state that user code last got. Objects
	// of fake clientsets have none; for them content is that state itself.
	worked  string
	content runtime.Object
	// newest is the newest resourceVersion that the server returned to us: of that
	// state, or of a write of our own.
	newest string
	// blind means that the last attempt wrote to the object, and that nobody can tell
	// whether the cache has the write: a fake clientset sets no resourceVersion.
	blind bool
}

func (s *states) get(key types.NamespacedName, uid types.UID) state {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.of[key]; st.uid == uid {
		return st
	}
	return state{uid: uid}
}

// last returns the state last worked on, of whatever UID.
func (s *states) last(key types.NamespacedName) state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[key]
}

// learn adds what an attempt found out.
func (s *states) learn(key types.NamespacedName, a *attempt.Attempt) {
	worked := a.Worked()
	written, wrote := a.WrittenToObject()
	if worked.Pristine == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[types.NamespacedName]state{}
	}
	st := s.of[key]
	if st.uid != worked.UID {
		st = state{uid: worked.UID}
	}
	st.worked, st.content, st.blind = worked.ResourceVersion, nil, false
	if st.worked == "" {
		st.content, st.blind = worked.Pristine, wrote && written == ""
	}
	st.newest = attempt.Newer(attempt.Newer(st.newest, worked.ResourceVersion), written)
	s.of[key] = st
}

func (s *states) forget(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, key)
}
