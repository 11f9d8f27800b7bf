package repository

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/kerr"
)

// CreateOption changes one [Live.Create]: [FieldManager], [DryRun].
type CreateOption interface {
	set(to *writing)
	forCreate()
}

// UpdateOption changes one [Live.Update]: [FieldManager], [DryRun].
type UpdateOption interface {
	set(to *writing)
	forUpdate()
}

// ApplyOption changes one [Live.Apply] or [Live.ApplyConfiguration]: [Force], [DryRun].
type ApplyOption interface {
	set(to *writing)
	forApply()
}

// DeleteOption changes one [Live.Delete], or the deletions of one [Live.DeleteAllOf]:
// [Foreground], [Orphan], [IfUnchanged], [DryRun].
type DeleteOption interface {
	set(to *writing)
	forDelete()
}

// WriteOption changes one Create or one Update, or with [Live.With] all writes of a
// repository: [FieldManager], [DryRun].
type WriteOption interface {
	CreateOption
	UpdateOption
	forWrites()
}

// AnyOption is an option of every kind of write: [DryRun].
type AnyOption interface {
	WriteOption
	ApplyOption
	DeleteOption
}

// FieldManager sets the manager that the managedFields of the object name for the written fields.
// By default, and if name is empty, the server uses the first part of the client's user agent:
// the name of the program. If the server does not accept the name, for instance because it has
// more than 128 characters, each write is an error of class Invalid.
//
// With [Live.With] it holds for Create, Update, Patch and Ensure. Apply has an argument for it,
// and a deletion has none.
func FieldManager(name string) WriteOption {
	return forWrite{func(to *writing) { to.manager = name }}
}

// DryRun makes the server do everything that it does for a write (defaults, validation,
// admission, conflicts), except storing the result. The result is what would be stored; a created
// object has no resourceVersion. Without this option writes are stored.
//
// # Guarantees
//
//   - A dry run does not count as a write: not in controller.Attempt.Writes, and no attempt waits
//     for a cache to show it. An Apply is always sent, whatever was applied before.
//   - Like a write, it is refused in a namespace that the repository is not confined to.
//   - If its answer is lost, the error is of class Transient, never Ambiguous, since nothing was
//     stored.
//
// # Assumptions
//
// The server asks for the same rights as for the write. It refuses the request if an admission
// webhook declares that it has side effects.
//
// # Caveats
//
// The fake clientsets of client-go ignore the option and store the result. Those hardened by
// test/fake, and test/sim, behave as a server does.
//
// controller.New refuses a repository whose writes are all dry runs, see [Live.With]: a finalizer
// would never be stored.
func DryRun() AnyOption {
	return forAny{forWrite{func(to *writing) { to.dryRun = true }}}
}

// Force takes over fields that another manager owns with another value; that manager does not own
// them any more. Without this option they are an error of class FieldManagerConflict. Two
// controllers that force the same field undo each other's writes.
func Force() ApplyOption {
	return forApply{func(to *writing) { to.force = true }}
}

// Foreground deletes the dependents of the object first: it stays, with a deletion timestamp,
// until those that block its deletion are gone. The default is the background: the object goes at
// once, and the garbage collector deletes its dependents after it. If both Foreground and
// [Orphan] are given, the later one counts.
func Foreground() DeleteOption { return propagation(metav1.DeletePropagationForeground) }

// Orphan does not delete the dependents of the object; the owner reference to it is removed from
// them. The default is the background, see [Foreground].
func Orphan() DeleteOption { return propagation(metav1.DeletePropagationOrphan) }

func propagation(policy metav1.DeletionPropagation) DeleteOption {
	return forDelete{func(to *writing) { to.propagation = policy }}
}

// IfUnchanged deletes the object only if it has the resourceVersion of obj: if it changed since
// it was read, nothing is deleted, and the error is of class Conflict. Use it if, for instance, a
// label decides whether the object may be deleted. Without it the object must have the same UID,
// and may have changed. An object without a resourceVersion, which only fakes return, is deleted
// all the same.
func IfUnchanged() DeleteOption {
	return forDelete{func(to *writing) { to.unchanged = true }}
}

// writing is how a request is sent.
type writing struct {
	manager     string
	dryRun      bool
	force       bool
	unchanged   bool
	propagation metav1.DeletionPropagation // empty is the background
	by          kerr.Op                    // what it counts as; empty is the step that errors name
}

type setter func(to *writing)

func (s setter) set(to *writing) { s(to) }

type (
	forWrite  struct{ setter }
	forAny    struct{ forWrite }
	forApply  struct{ setter }
	forDelete struct{ setter }
)

func (forWrite) forCreate()  {}
func (forWrite) forUpdate()  {}
func (forWrite) forWrites()  {}
func (forAny) forApply()     {}
func (forAny) forDelete()    {}
func (forApply) forApply()   {}
func (forDelete) forDelete() {}

// with returns w with the options on top.
func with[O interface{ set(to *writing) }](w writing, opts []O) writing {
	for _, opt := range opts {
		if any(opt) != nil {
			opt.set(&w)
		}
	}
	return w
}

func (w writing) dryRuns() []string {
	if w.dryRun {
		return []string{metav1.DryRunAll}
	}
	return nil
}

func (w writing) createOptions() metav1.CreateOptions {
	return metav1.CreateOptions{DryRun: w.dryRuns(), FieldManager: w.manager}
}

func (w writing) patchOptions() metav1.PatchOptions {
	return metav1.PatchOptions{DryRun: w.dryRuns(), FieldManager: w.manager}
}

func (w writing) applyOptions(fieldManager string) metav1.PatchOptions {
	opts := metav1.PatchOptions{DryRun: w.dryRuns(), FieldManager: fieldManager}
	if w.force {
		opts.Force = new(true)
	}
	return opts
}

func (w writing) deleteOptions(obj metav1.Object) metav1.DeleteOptions {
	only := metav1.Preconditions{UID: known(obj.GetUID())}
	if w.unchanged {
		only.ResourceVersion = known(obj.GetResourceVersion())
	}
	policy := w.propagation
	if policy == "" {
		policy = metav1.DeletePropagationBackground
	}
	return metav1.DeleteOptions{DryRun: w.dryRuns(), Preconditions: &only, PropagationPolicy: &policy}
}

// known returns nil for what only fakes leave empty.
func known[S ~string](value S) *S {
	if value == "" {
		return nil
	}
	return new(value)
}
