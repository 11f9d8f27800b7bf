package explore

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/test/sim"
)

// Case is an operator, what happens to it, and what must hold. T is the kind that it is
// for: names in the Script mean objects of T.
type Case[T Object] struct {
	// Kinds are the kinds that the API server serves: all that the operator needs, T included. Namespaces,
	// CustomResourceDefinitions, Events and Leases are served in any case, and are not compared.
	Kinds []sim.Kind

	// New makes the operator as its main function would, with env.Config() to reach the server.
	// It is called for every process, so that only what is in the cluster and in external systems
	// survives a crash. A package variable would survive too: avoid it. It is called concurrently, since
	// plans are tried side by side, see [Parallel]; so are the functions of External and the steps of the
	// Script.
	New func(env *Env) (Process, error)

	// Script is what users do. At its end the operator gets time to settle.
	Script []Step

	// Scheme knows the Go types of the Script. Nil means client-go's, for which the kinds of
	// a CRD must be unstructured.
	Scheme *runtime.Scheme

	// External are systems outside the cluster that the operator changes, by name. The functions
	// are called for every run.
	External map[string]func() External

	// Invariants must hold after every change.
	Invariants []Invariant

	// Mask names fields that may differ: "status.lastChecked", "data.*",
	// "status.conditions[*].lastTransitionTime". A path may have a resource in front:
	// "configmaps:data.seen". Fields that differ between two runs without faults are
	// masked in the objects in which they do. Addresses and ports that the server gives to Services are
	// not compared.
	Mask []string

	// Quiet is how long the operator must not write anything, in a run without faults, until it
	// counts as settled. 0 means an hour. The time is virtual and costs nothing, but an operator
	// that writes periodically needs less than its period, or a Mask: a change of masked fields
	// alone is no change.
	Quiet time.Duration
}

// Process is an operator that runs until its ctx ends, such as a controller.Controller.
type Process interface {
	// Run returns when ctx has ended and nothing of the operator goes on.
	Run(ctx context.Context) error
}

// RunFunc is a Process made of a function.
type RunFunc func(ctx context.Context) error

// Run calls the function.
func (f RunFunc) Run(ctx context.Context) error { return f(ctx) }

// suite is a Case that was checked, without its type.
type suite struct {
	kinds      []sim.Kind
	scheme     *runtime.Scheme
	primary    schema.GroupVersionKind
	start      func(env *Env) (Process, error)
	script     []Step
	external   map[string]func() External
	invariants []Invariant
	mask       *mask
	quiet      time.Duration
}

// check says what is wrong with a case, before anything runs.
func (c Case[T]) check() (*suite, error) {
	s := &suite{
		kinds: c.Kinds, scheme: c.Scheme, start: c.New, script: c.Script, external: c.External,
		invariants: c.Invariants, quiet: c.Quiet,
	}
	if s.scheme == nil {
		s.scheme = scheme.Scheme
	}
	if s.quiet == 0 {
		s.quiet = time.Hour
	}
	var errs []error
	if len(c.Kinds) == 0 {
		errs = append(errs, errors.New("Case.Kinds is empty: name the kinds that the operator reads and writes, as in sim.Core(\"configmaps\")"))
	}
	if c.New == nil {
		errs = append(errs, errors.New("Case.New is nil: it makes the operator"))
	}
	if len(c.Script) == 0 {
		errs = append(errs, errors.New("Case.Script is empty: nothing would happen"))
	}
	var err error
	if s.primary, err = c.primary(s.scheme); err != nil {
		errs = append(errs, err)
	}
	if s.mask, err = newMask(c.Mask); err != nil {
		errs = append(errs, err)
	}
	for i, step := range c.Script {
		if step == nil {
			errs = append(errs, fmt.Errorf("Case.Script: step %d is nil", i+1))
		}
	}
	if len(s.script) > 0 && s.script[len(s.script)-1] != Settle() {
		s.script = append(slices.Clip(s.script), Settle())
	}
	return s, errors.Join(errs...)
}

// primary is the kind of T. Of an unstructured T it is that of the first object in the script.
func (c Case[T]) primary(known *runtime.Scheme) (schema.GroupVersionKind, error) {
	t := reflect.TypeFor[T]()
	if t == reflect.TypeFor[*unstructured.Unstructured]() {
		for _, step := range c.Script {
			if created, ok := step.(createStep); ok {
				return created.object.GetObjectKind().GroupVersionKind(), nil
			}
		}
		return schema.GroupVersionKind{}, errors.New("Case of unstructured objects: the Script creates none, so that their kind is not known")
	}
	object, ok := reflect.TypeAssert[runtime.Object](reflect.New(t.Elem()))
	if !ok {
		return schema.GroupVersionKind{}, fmt.Errorf("the type of Case, %s: it is no pointer to an object's type", t)
	}
	gvks, _, err := known.ObjectKinds(object)
	if err != nil {
		return schema.GroupVersionKind{}, fmt.Errorf("the type of Case, %s: Case.Scheme does not know it: %w", t, err)
	}
	return gvks[0], nil
}

// Object is a pointer to an API type, such as *corev1.ConfigMap.
type Object interface {
	comparable
	metav1.Object
	runtime.Object
}
