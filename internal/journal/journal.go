// Package journal carries what the controller knows of one attempt, through ctx, to the packages
// that read and send requests for it: on whose behalf a request is sent, what was written, by this
// attempt and by earlier ones, and what was read.
package journal

import (
	"context"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Journal belongs to one attempt to reconcile one object. Its methods may be called on a nil
// Journal where the code outside a controller may have none, and from several goroutines of the
// same attempt.
//
// It is made for every attempt, of which few do anything: hence what is the same for
// all, or nothing in most, is behind a pointer.
type Journal struct {
	*Settings
	Key types.NamespacedName
	// Earlier are writes of earlier attempts that caches do not show yet.
	Earlier map[Ref]Write
	// Recorder is what outlives the attempt; nil is none.
	Recorder Recorder

	// See context.go.
	parent   context.Context //nolint:containedctx // a ctx is derived from it
	deadline time.Time       // zero is none
	ctxMu    sync.Mutex
	made     *fullContext // nil until it is asked for
	ended    bool

	mu      sync.Mutex
	worked  State
	effects *effects // nil if there are none
}

// effects are what an attempt did.
type effects struct {
	failed  error
	writes  map[Ref]Write // the newest one of each object
	own     []Write       // those that the server acknowledged
	status  any           // see KnownStatus.Written
	applies []Ref         // the children that were applied, or would have been
}

// none is read where there are no effects.
var none effects

// Settings are the same for all journals of a controller.
type Settings struct {
	Kind schema.GroupVersionKind
	// Timeout is the time until the deadline, with Overrun as its cause; zero is none.
	Timeout time.Duration
	Overrun error
	// Fresh is how long what the server answered to a write may stand for the object.
	Fresh time.Duration
}

// Config is what a journal can be made of, all in one; see [Settings] and [Journal].
type Config struct {
	Kind     schema.GroupVersionKind
	Key      types.NamespacedName
	Timeout  time.Duration
	Overrun  error
	Fresh    time.Duration
	Earlier  map[Ref]Write
	Recorder Recorder
}

// Recorder is the side of the controller that a journal talks to.
type Recorder interface {
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
	Record(f func(*Sent))
}

// Sent is what outlives an attempt and belongs to the object that is reconciled.
type Sent struct {
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
	UID types.UID
	// Pristine is that state, which must not be changed; nil if user code was not reached.
	Pristine Object
	// Managers are its managedFields, if it was read live.
	Managers []metav1.ManagedFieldsEntry
	// Paused says that the object is paused, and that user code does not work on its generation.
	Paused bool
}

// New begins a journal with a ctx derived from parent. It must be ended with End.
func New(parent context.Context, cfg Config) *Journal {
	j := &Journal{
		Settings: &Settings{Kind: cfg.Kind, Timeout: cfg.Timeout, Overrun: cfg.Overrun, Fresh: cfg.Fresh},
		Key:      cfg.Key, Earlier: cfg.Earlier, Recorder: cfg.Recorder,
	}
	j.Start(parent, time.Now())
	return j
}

// Start is [New], at the time now, for a Journal that is part of something else and
// has its exported fields set.
func (j *Journal) Start(parent context.Context, now time.Time) {
	j.parent = parent
	if j.Timeout > 0 {
		j.deadline = now.Add(j.Timeout)
	}
}

// done returns the effects, to be read. It must be called with j.mu held.
func (j *Journal) done() *effects {
	if j.effects == nil {
		return &none
	}
	return j.effects
}

// doing returns the effects, to be changed. It must be called with j.mu held.
func (j *Journal) doing() *effects {
	if j.effects == nil {
		j.effects = &effects{}
	}
	return j.effects
}

// WorkOn notes the state that user code is given.
func (j *Journal) WorkOn(state State) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.worked = state
	if j.effects != nil {
		j.effects.status = nil
	}
}

// Worked returns what was given to WorkOn.
func (j *Journal) Worked() State {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.worked
}

func (j *Journal) is(kind schema.GroupVersionKind, key types.NamespacedName) bool {
	return key == j.Key && kind.GroupKind() == j.Kind.GroupKind()
}

// Read tells the Recorder that the attempt read an object of an informer.
func (j *Journal) Read(informer any, key types.NamespacedName) {
	if j != nil && j.Recorder != nil {
		j.Recorder.Read(informer, key)
	}
}

// Listed tells the Recorder that the attempt listed objects of an informer.
func (j *Journal) Listed(informer any, s Selection) {
	if j != nil && j.Recorder != nil {
		j.Recorder.Listed(informer, s)
	}
}
