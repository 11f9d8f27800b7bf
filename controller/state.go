package controller

import (
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/attempt"
)

// states is what this process knows of objects beyond its cache, by key. The zero
// value is ready to use.
type states struct {
	mu sync.Mutex
	of map[types.NamespacedName]*state
}

// state belongs to one UID: a new object of the same name starts without one. It is
// used by the worker that has the key, and by nobody else.
type state struct {
	uid types.UID
	// worked is the state that user code last got, and settled the one after its last
	// write to the object, if that write was no news.
	worked, settled version
	// done means that the last attempt left nothing to be tried again.
	done    bool
	loop    *loop // nil if the last attempt wrote nothing
	applied map[attempt.Ref]attempt.Applied
}

// version names a state: by its resourceVersion, or, for objects of fake clientsets,
// which have none, by its content. The zero value is no state.
type version struct {
	rv      string
	content *content
}

type content struct{ obj runtime.Object }

func versionOf(s attempt.State) version {
	switch {
	case s.ResourceVersion != "":
		return version{rv: s.ResourceVersion}
	case s.Pristine != nil:
		return version{content: &content{s.Pristine}}
	default:
		return version{}
	}
}

// is tells whether an event with the resourceVersion rv, which left the cache with
// obj, is about this state.
func (v version) is(rv string, obj runtime.Object) bool {
	if rv != "" || v.content == nil {
		return rv != "" && rv == v.rv
	}
	return equality.Semantic.DeepEqual(obj, v.content.obj)
}

// knows tells, after an attempt that left nothing to be tried again, whether an event
// with the resourceVersion rv, which left the cache with obj, is no news. One about an
// older state than the last one worked on is none, if the cache has come that far too:
// in a server that was restored from a backup, old numbers are new.
func (s *state) knows(rv string, obj attempt.Object) bool {
	if !s.done {
		return false // its retry may have been given up for this very event
	}
	if s.worked.is(rv, obj) || s.settled.is(rv, obj) {
		return true
	}
	return attempt.Older(rv, s.worked.rv) && !attempt.Older(obj.GetResourceVersion(), s.worked.rv)
}

// get returns the state of a key for the UID, which may be new.
func (s *states) get(key types.NamespacedName, uid types.UID) *state {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.of[key]
	if st == nil {
		if s.of == nil {
			s.of = map[types.NamespacedName]*state{}
		}
		st = &state{}
		s.of[key] = st
	}
	if st.uid != uid {
		*st = state{uid: uid}
	}
	return st
}

func (s *states) forget(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delete(s.of, key); len(s.of) == 0 {
		s.of = nil // a map never shrinks
	}
}
