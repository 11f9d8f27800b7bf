// Package attempt carries what the controller knows of one reconcile, through
// ctx, to the packages that read and send requests for it: on whose behalf a
// request is sent, whether this process may write, what was written, by this
// attempt and by earlier ones, and what was read.
package attempt

import (
	"context"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Attempt is one reconcile of one object. Its methods may be called on a nil
// Attempt where the code outside a controller may have none, and from several
// goroutines of the same reconcile.
//
// It is made for every reconcile, of which few do anything: hence what is the same for
// all, or nothing in most, is behind a pointer.
type Attempt struct {
	*Settings
	Key types.NamespacedName
	// Earlier are writes of earlier attempts that caches do not show yet.
	Earlier map[Ref]Write
	// Memory is what outlives the attempt; nil is none.
	Memory Memory

	ctx lazy

	mu     sync.Mutex
	worked State
	deeds  *deeds // nil if there are none
}

// deeds are what an attempt did.
type deeds struct {
	failed  error
	count   int
	writes  map[Ref]Write // the newest one of each object
	own     []Write       // those that the server acknowledged
	status  any           // see KnownStatus.Written
	applies []Ref         // the children that were applied, or would have been
}

// none is read where there are no deeds.
var none deeds

// Settings are the same for all attempts of a controller.
type Settings struct {
	Kind schema.GroupVersionKind
	// Timeout is the time until the deadline, with Overrun as its cause; zero is none.
	Timeout time.Duration
	Overrun error
	// Fence, if not nil, is asked before every write and refuses it by an error.
	Fence func() error
	// Fresh is how long what the server answered to a write may stand for the object.
	Fresh time.Duration
}

// Config is what an attempt can be made of, all in one; see [Settings] and [Attempt].
type Config struct {
	Kind    schema.GroupVersionKind
	Key     types.NamespacedName
	Timeout time.Duration
	Overrun error
	Fence   func() error
	Fresh   time.Duration
	Earlier map[Ref]Write
	Memory  Memory
}

// Memory is the side of the controller that an attempt talks to.
type Memory interface {
	// Read and Listed note that the attempt depends on an object, or on a selection of
	// objects, of an informer, which is a pointer.
	Read(informer any, key types.NamespacedName)
	Listed(informer any, s Selection)
	// Cached returns the object from a cache that the controller runs, or nil, and reports
	// whether there is a cache of the kind.
	Cached(ref Ref) (obj Object, has bool)
	// Look is Cached, and notes that the attempt depends on the object.
	Look(ref Ref) (obj Object, has bool)
	// Record returns what outlives the attempt and is known of its object, to be read or
	// changed by f; nothing is done if the attempt has ended.
	Record(f func(*Record))
}

// Record is what outlives an attempt and belongs to the object that is reconciled.
type Record struct {
	// Applied is what was last applied to each child.
	Applied map[Ref]Applied
	// Status is what is known of the status that the server has.
	Status Status
}

// Selection is a list: the objects in a namespace, or in all if that is empty, that have the value
// in the index, if one is named, for which Matches, a func(T) bool, holds. ID stands for all that,
// and for nothing else.
type Selection struct {
	ID           string
	Namespace    string
	Index, Value string
	// Labels are some that every object for which Matches holds has.
	Labels  []Label
	Matches any
}

// Label is one label of an object.
type Label struct{ Key, Value string }

// Applied is what was last sent by server-side apply, as a hash, and the state that
// the server answered with.
type Applied struct {
	Hash            [32]byte
	UID             types.UID
	ResourceVersion string
}

// State is a state of the object that user code was given.
type State struct {
	UID             types.UID
	ResourceVersion string
	// Pristine is that state, which nobody may change; nil if user code was not
	// reached.
	Pristine Object
	// Managers are its managedFields, if it was read live.
	Managers []metav1.ManagedFieldsEntry
}

// New starts an attempt with a ctx derived from parent. It must be ended with End.
func New(parent context.Context, cfg Config) *Attempt {
	a := &Attempt{
		Settings: &Settings{Kind: cfg.Kind, Timeout: cfg.Timeout, Overrun: cfg.Overrun, Fence: cfg.Fence, Fresh: cfg.Fresh},
		Key:      cfg.Key, Earlier: cfg.Earlier, Memory: cfg.Memory,
	}
	a.Start(parent, time.Now())
	return a
}

// Start is [New], at the time now, for an Attempt that is part of something else and
// has its exported fields set.
func (a *Attempt) Start(parent context.Context, now time.Time) {
	a.ctx.a, a.ctx.parent = a, parent
	if a.Timeout > 0 {
		a.ctx.deadline = now.Add(a.Timeout)
	}
}

// done returns the deeds, to be read. It must be called with a.mu held.
func (a *Attempt) done() *deeds {
	if a.deeds == nil {
		return &none
	}
	return a.deeds
}

// doing returns the deeds, to be changed. It must be called with a.mu held.
func (a *Attempt) doing() *deeds {
	if a.deeds == nil {
		a.deeds = &deeds{}
	}
	return a.deeds
}

// MayWrite asks the fence.
func (a *Attempt) MayWrite() error {
	if a == nil || a.Fence == nil {
		return nil
	}
	return a.Fence()
}

// WorkOn notes the state that user code is given.
func (a *Attempt) WorkOn(state State) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.worked = state
	if a.deeds != nil {
		a.deeds.status = nil
	}
}

// Worked returns what was given to WorkOn.
func (a *Attempt) Worked() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.worked
}

func (a *Attempt) is(kind schema.GroupVersionKind, key types.NamespacedName) bool {
	return key == a.Key && kind.GroupKind() == a.Kind.GroupKind()
}

// Read tells the memory that the attempt read an object of an informer.
func (a *Attempt) Read(informer any, key types.NamespacedName) {
	if a != nil && a.Memory != nil {
		a.Memory.Read(informer, key)
	}
}

// Listed tells the memory that the attempt listed objects of an informer.
func (a *Attempt) Listed(informer any, s Selection) {
	if a != nil && a.Memory != nil {
		a.Memory.Listed(informer, s)
	}
}
