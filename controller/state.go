package controller

import (
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
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
	// worked is the state that user code last got, and settled the one after its last
	// write to the object, if that write was no news.
	worked, settled version
	// newest is the newest resourceVersion that the server returned to us: of that
	// state, or of a write of our own.
	newest string
	// blind means that the last attempt wrote to the object, and that nobody can tell
	// whether the cache has the write: a fake clientset sets no resourceVersion.
	blind bool
}

// version names a state: by its resourceVersion, or, for objects of fake clientsets,
// which have none, by its content. The zero value is no state.
type version struct {
	rv      string
	content runtime.Object
}

func versionOf(s attempt.State) version {
	if s.ResourceVersion != "" {
		return version{rv: s.ResourceVersion}
	}
	return version{content: s.Pristine}
}

// is tells whether an event with the resourceVersion rv, which left the cache with
// obj, is about this state.
func (v version) is(rv string, obj runtime.Object) bool {
	if rv != "" || v.content == nil {
		return rv != "" && rv == v.rv
	}
	return equality.Semantic.DeepEqual(obj, v.content)
}

func (s *states) get(key types.NamespacedName, uid types.UID) state {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.of[key]; st.uid == uid {
		return st
	}
	return state{uid: uid}
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
	st.worked, st.settled = versionOf(worked), versionOf(a.Settled())
	st.blind = st.worked.rv == "" && wrote && written == ""
	st.newest = attempt.Newer(attempt.Newer(st.newest, worked.ResourceVersion), written)
	s.of[key] = st
}

func (s *states) forget(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, key)
}
