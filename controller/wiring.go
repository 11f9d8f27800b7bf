package controller

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// wiring is what a controller is made of beyond its own kind. It is changed until the
// controller runs for the first time, and never after that: what runs reads it without a
// lock, and so does an attempt of a run that has ended.
type wiring[T repository.Object] struct {
	filter   *[]informer.Predicate[T] // nil is informer.Changed
	sources  []source
	external []*external
	caches   caches // all that the controller runs

	frozen bool     // Run or ReleaseAll was called
	wrong  failures // what Run returns instead of running
}

// freeze ends the wiring, and returns what was wrong with it. It must be called with c.mu held.
func (c *Controller[T, C]) freeze() error {
	c.frozen = true
	if err := c.wrong.joined(); err != nil {
		return fmt.Errorf("it is wired wrongly: %w", err)
	}
	return nil
}

// wire makes a change of the wiring, on behalf of an exported function. If that cannot be, it is
// an error of Run: functions without a result are wired line by line, without a check in between.
func (c *Controller[T, C]) wire(function string, change func() error) {
	c.mu.Lock()
	late := c.frozen
	err := errors.New("it was called after Run or ReleaseAll, and has no effect")
	if !late {
		err = change()
	}
	c.mu.Unlock()
	if err == nil {
		return
	}
	err = fmt.Errorf("%s: %w", function, err)
	c.wrong.add(err)
	if late { // and perhaps there is no next Run
		c.opts.Logger.Error("the controller is wired wrongly", errorFields(err)...)
	}
}

// listen adds a mapping for an informer, on behalf of an exported function.
func listen[U, T repository.Object, C Context[T]](c *Controller[T, C], function string, in *informer.Informer[U], m mapping[U]) {
	m.of = function
	function += " of " + reflect.TypeFor[U]().String()
	if in == nil {
		c.wire(function, func() error { return errors.New("the informer is nil") })
		return
	}
	kind, cached := in.Kind().GroupKind(), typedOf(in)
	c.wire(function, func() error {
		if m.keys == nil {
			return errors.New("the function is nil")
		}
		if err := noneIsNil(m.filter); err != nil {
			return err
		}
		return sourceFor(c, in, kind, cached).add(m)
	})
}

// sourceFor returns the source of the informer, which may be new. It must be called by wire.
func sourceFor[U, T repository.Object, C Context[T]](c *Controller[T, C], in *informer.Informer[U], kind schema.GroupKind, cached cached) *sourceOf[U] {
	for _, have := range c.sources {
		if s, ok := have.(*sourceOf[U]); ok && s.in == in {
			return s
		}
	}
	s := &sourceOf[U]{in: in}
	c.caches.add(kind, cached)
	c.sources = append(c.sources, s)
	return s
}

// add adds a mapping to those of the informer.
func (s *sourceOf[U]) add(m mapping[U]) error {
	if m.ours && slices.ContainsFunc(s.maps, func(have mapping[U]) bool { return have.of == m.of }) {
		return errors.New("the informer was given to it already")
	}
	s.maps = append(s.maps, m)
	return nil
}

func noneIsNil[U repository.Object](predicates []informer.Predicate[U]) error {
	if slices.ContainsFunc(predicates, func(p informer.Predicate[U]) bool { return p == nil }) {
		return errors.New("a predicate is nil")
	}
	return nil
}

// Filter replaces the filter for updates of the controller's own objects, which is
// informer.Changed: an update counts if one of the predicates returns true or panics. Without
// predicates, every update counts. New and deleted objects, resyncs, and changes of the
// finalizers, the deletion timestamp, the UID or [PausedAnnotation] always count.
//
// # Errors
//
// [Controller.Run] returns an error if a predicate is nil, or if Filter was called before. If
// Filter is called after Run or ReleaseAll it has no effect, is logged, and makes the next Run
// return an error.
func (c *Controller[T, C]) Filter(anyOf ...informer.Predicate[T]) {
	c.wire("Filter", func() error {
		if c.filter != nil {
			return errors.New("it was called already")
		}
		kept := slices.Clone(anyOf)
		c.filter = &kept
		return noneIsNil(kept)
	})
}
