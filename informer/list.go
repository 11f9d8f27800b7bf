package informer

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/kuberator/kuberator/internal/journal"
)

// ListOption narrows a list of objects. If there are several, all must match; only of several
// [In] the last one counts. Without any, a list has all objects.
type ListOption func(*listOptions)

type listOptions struct {
	namespace string
	selectors []labels.Selector
	indexes   []indexValue
}

type indexValue struct{ name, value string }

// In narrows a list to one namespace; the empty string means all. The objects are found by an
// index.
func In(namespace string) ListOption { return func(o *listOptions) { o.namespace = namespace } }

// Matching narrows a list to objects whose labels match; a nil selector matches all.
func Matching(selector labels.Selector) ListOption {
	return func(o *listOptions) {
		if selector != nil {
			o.selectors = append(o.selectors, selector)
		}
	}
}

// MatchingLabels narrows a list to objects that have all these labels, with these values. It is
// [Matching] with a selector made of them; an empty map matches all.
func MatchingLabels(all map[string]string) ListOption {
	return Matching(labels.SelectorFromSet(all))
}

// WithIndex narrows a list to objects that have the value in the index of that name (see
// [Informer.AddIndex]). They are found by the index; other options then filter them. If several
// indexes are given, the first one finds the objects.
func WithIndex(name, value string) ListOption {
	return func(o *listOptions) { o.indexes = append(o.indexes, indexValue{name, value}) }
}

func listOptionsOf(opts []ListOption) (o listOptions) {
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// beyondStore returns the options without the index by which the store finds.
func (o listOptions) beyondStore() listOptions {
	if len(o.indexes) > 0 {
		o.indexes = o.indexes[1:]
	}
	return o
}

func (i *Informer[T]) matches(o listOptions, obj T) bool {
	if o.namespace != "" && obj.GetNamespace() != o.namespace {
		return false
	}
	for _, selector := range o.selectors {
		if !selector.Matches(labels.Set(obj.GetLabels())) {
			return false
		}
	}
	return !slices.ContainsFunc(o.indexes, func(index indexValue) bool {
		return !slices.Contains(i.indexed(index.name, obj), index.value)
	})
}

// selection is what an attempt notes of a list.
func (i *Informer[T]) selection(o listOptions) journal.Selection {
	rest := o.beyondStore()
	s := journal.Selection{
		ID: o.id(), Namespace: o.namespace, Labels: o.equalities(),
		Matches: func(obj T) bool { return i.matches(rest, obj) },
	}
	if len(o.indexes) > 0 {
		s.Index, s.Value = o.indexes[0].name, o.indexes[0].value
	}
	return s
}

// equalities returns the labels, with their values, that every object has that matches.
func (o listOptions) equalities() []journal.Label {
	var all []journal.Label
	for _, selector := range o.selectors {
		if !standard(selector) {
			continue
		}
		requirements, _ := selector.Requirements()
		for _, r := range requirements {
			switch values := r.ValuesUnsorted(); {
			case len(values) != 1:
			case r.Operator() == selection.Equals, r.Operator() == selection.DoubleEquals, r.Operator() == selection.In:
				all = append(all, journal.Label{Key: r.Key(), Value: values[0]})
			}
		}
	}
	return all
}

// standard reports whether a selector is one of apimachinery's own. Nothing can be said of those
// that users wrote but by asking them.
func standard(selector labels.Selector) bool {
	kind := reflect.TypeOf(selector)
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	return kind.PkgPath() == reflect.TypeFor[labels.Requirement]().PkgPath()
}

// ownSelectors numbers the lists by selectors that users wrote: it cannot be known whether two of
// them select the same.
var ownSelectors atomic.Uint64

// id stands for what the options select, and for nothing else: the text of a selector
// does not, as values may hold any characters, and as everything and nothing are both
// the empty text.
func (o listOptions) id() string {
	var id strings.Builder
	fmt.Fprintf(&id, "list in %q", o.namespace)
	for _, index := range o.indexes {
		fmt.Fprintf(&id, " with %q in the index %q", index.value, index.name)
	}
	for _, selector := range o.selectors {
		if !standard(selector) {
			fmt.Fprintf(&id, " by a selector of the user's own, %d", ownSelectors.Add(1))
			continue
		}
		requirements, selectable := selector.Requirements()
		fmt.Fprintf(&id, " of %T %t", selector, selectable)
		for _, r := range requirements {
			fmt.Fprintf(&id, " %q %q %q", r.Key(), r.Operator(), r.ValuesUnsorted())
		}
	}
	return id.String()
}
