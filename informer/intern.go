package informer

import (
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Bounds of the table of shared: strings that are longer, or beyond that many, are
// hardly names of fields, labels or namespaces. When it is full it starts over, so
// that many that come once do not keep out those that repeat.
const (
	mostShared    = 1024
	longestShared = 256
)

// shared keeps one copy of each string that object after object repeats: kinds,
// namespaces, finalizers, the keys of labels. A decoder makes new ones for every object,
// which is a tenth of a cache of small objects, and half of an unstructured one.
type shared struct {
	mu    sync.Mutex
	known map[string]string
}

// object is what every repository.Object is.
type object interface {
	metav1.Object
	runtime.Object
}

// within makes obj use the shared copies. No other goroutine may have obj yet.
func (s *shared) within(obj object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := obj.(runtime.Unstructured); ok {
		s.tree(o.UnstructuredContent())
		return
	}
	if kind, ok := obj.GetObjectKind().(*metav1.TypeMeta); ok {
		kind.Kind, kind.APIVersion = s.one(kind.Kind), s.one(kind.APIVersion)
	}
	if accessor, ok := obj.(metav1.ObjectMetaAccessor); ok {
		if meta, ok := accessor.GetObjectMeta().(*metav1.ObjectMeta); ok {
			s.meta(meta)
		}
	}
}

func (s *shared) meta(meta *metav1.ObjectMeta) {
	meta.Namespace = s.one(meta.Namespace)
	shareKeys(s, meta.Labels)
	shareKeys(s, meta.Annotations)
	for i, name := range meta.Finalizers {
		meta.Finalizers[i] = s.one(name)
	}
	for i := range meta.OwnerReferences {
		owner := &meta.OwnerReferences[i]
		owner.Kind, owner.APIVersion = s.one(owner.Kind), s.one(owner.APIVersion)
	}
}

// shareKeys is for the keys of a map: to assign to one replaces the key too.
func shareKeys[V any](s *shared, m map[string]V) {
	for key, value := range m {
		m[s.one(key)] = value
	}
}

// tree is for the keys of all maps in a decoded document.
func (s *shared) tree(value any) {
	switch v := value.(type) {
	case map[string]any:
		shareKeys(s, v)
		for _, inner := range v {
			s.tree(inner)
		}
	case []any:
		for _, inner := range v {
			s.tree(inner)
		}
	}
}

func (s *shared) one(text string) string {
	if one, ok := s.known[text]; ok {
		return one
	}
	if len(text) > longestShared {
		return text
	}
	if s.known == nil || len(s.known) == mostShared {
		s.known = map[string]string{}
	}
	one := strings.Clone(text) // which may be part of something large
	s.known[one] = one
	return one
}
