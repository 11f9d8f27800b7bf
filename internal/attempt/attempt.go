// Package attempt carries what the controller knows of one reconcile, through
// ctx, to the packages that send requests for it: on whose behalf a request is
// sent, whether this process may write, and what was written.
package attempt

import (
	"context"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// Attempt is one reconcile of one object. Its methods may be called on a nil
// Attempt, which is what code outside a controller has, and from several
// goroutines of the same reconcile.
type Attempt struct {
	kind  schema.GroupVersionKind
	key   types.NamespacedName
	fence func() error

	mu      sync.Mutex
	worked  State
	written string // newest resourceVersion of a write to the object itself
	wrote   bool   // there was such a write after user code was reached
	settled State  // what the server answered to the last such write, if it is no news
	writes  int
	status  []byte
}

// State is a state of the object that user code was given.
type State struct {
	UID             types.UID
	ResourceVersion string
	// Pristine is that state, which nobody may change; nil if user code was not
	// reached.
	Pristine runtime.Object
	// NoNews tells whether another state of the object is, for whoever reconciles it,
	// the same as this one.
	NoNews func(runtime.Object) bool
}

// New starts an attempt. A fence that is not nil is asked before every write and
// refuses it by an error.
func New(kind schema.GroupVersionKind, key types.NamespacedName, fence func() error) *Attempt {
	return &Attempt{kind: kind, key: key, fence: fence}
}

type ctxKey struct{}

// With returns a ctx that carries a.
func With(ctx context.Context, a *Attempt) context.Context {
	return context.WithValue(ctx, ctxKey{}, a)
}

// From returns the attempt that ctx carries, or nil.
func From(ctx context.Context) *Attempt {
	a, _ := ctx.Value(ctxKey{}).(*Attempt)
	return a
}

// MayWrite asks the fence.
func (a *Attempt) MayWrite() error {
	if a == nil || a.fence == nil {
		return nil
	}
	return a.fence()
}

// WorkOn notes the state that user code is given.
func (a *Attempt) WorkOn(state State) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.worked, a.status = state, nil
}

// Wrote notes a write that the server acknowledged, and what it answered, which may
// be nil. answer is not kept unless it has no resourceVersion.
func (a *Attempt) Wrote(kind schema.GroupVersionKind, key types.NamespacedName, answer Object) {
	if a == nil {
		return
	}
	own := a.is(kind, key)
	var settled State
	if own && answer != nil {
		settled = a.settle(answer)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writes++
	if !own {
		return
	}
	a.settled, a.wrote = settled, a.worked.Pristine != nil
	if answer != nil {
		a.written = Newer(a.written, answer.GetResourceVersion())
	}
}

// Object is what the server answers with.
type Object interface {
	metav1.Object
	runtime.Object
}

// settle returns the state that answer is, if it is no news after the one that user
// code was given. No lock is held: NoNews asks filters that users wrote.
func (a *Attempt) settle(answer Object) State {
	worked := a.Worked()
	if worked.NoNews == nil || !worked.NoNews(answer) {
		return State{}
	}
	s := State{UID: answer.GetUID(), ResourceVersion: answer.GetResourceVersion()}
	if s.ResourceVersion == "" {
		kept := answer.DeepCopyObject().(Object)
		kept.SetManagedFields(nil)
		s.Pristine = kept
	}
	return s
}

// Settled returns the state after the last write to the object itself, if that write
// made no news. Pristine is only set for objects without a resourceVersion.
func (a *Attempt) Settled() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.settled
}

// Worked returns what was given to WorkOn.
func (a *Attempt) Worked() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.worked
}

// Writes returns the number of writes to any object.
func (a *Attempt) Writes() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.writes
}

// WrittenToObject tells whether the object itself was written, and the
// resourceVersion of the newest such write.
func (a *Attempt) WrittenToObject() (resourceVersion string, wrote bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.written, a.wrote
}

// Known returns the object as the server last returned it in this attempt, or, if
// its status was written since, the JSON of that. Both are nil unless the object is
// the one being reconciled.
func (a *Attempt) Known(kind schema.GroupVersionKind, key types.NamespacedName, uid types.UID) (runtime.Object, []byte) {
	if a == nil || !a.is(kind, key) {
		return nil, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if uid != a.worked.UID {
		return nil, nil
	}
	return a.worked.Pristine, a.status
}

// WroteStatus replaces what Known returns by the status that the server answered
// with.
func (a *Attempt) WroteStatus(kind schema.GroupVersionKind, key types.NamespacedName, uid types.UID, status []byte) {
	if a == nil || !a.is(kind, key) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if uid == a.worked.UID {
		a.status = status
	}
}

func (a *Attempt) is(kind schema.GroupVersionKind, key types.NamespacedName) bool {
	return key == a.key && kind.GroupKind() == a.kind.GroupKind()
}

// Newer returns the later of two resourceVersions of one object. One that cannot
// be compared, such as those of a fake clientset, loses.
func Newer(a, b string) string {
	if Older(a, b) || a == "" {
		return b
	}
	return a
}

// Older tells whether resourceVersion a is known to be older than b.
func Older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}
