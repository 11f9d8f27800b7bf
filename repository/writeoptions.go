package repository

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// FieldManager names who writes in the managedFields of the object. The default, and an
// empty name, leave that to the server, which takes the first part of the client's user
// agent: the name of the program. A name that the server does not take, such as one of
// more than 128 characters, is an error of class Invalid of each write.
//
// With [Live.With] it holds for Create, Update, Patch and Ensure. An Apply is given its
// own, and a deletion has none.
func FieldManager(name string) WriteOption {
	return forWrite{func(to *writing) { to.manager = name }}
}

// DryRun has the server do everything that it does for a write (defaults, validation,
// admission, conflicts), except storing the result. What is returned is what would be
// stored; a created object has no resourceVersion. Without it writes are stored.
//
// # Guarantees
//
//   - A dry run is no write: it is not counted in controller.Attempt.Writes, no cache is
//     waited for, and an Apply is sent, whatever was applied before.
//   - It is refused like a write: in a namespace that the repository is not confined to,
//     and while this process may not write.
//   - Its answer can get lost, but not its outcome: the error is of class Transient, and
//     never Ambiguous.
//
// # Assumptions
//
// The server needs the same rights as for the write. Admission webhooks that have side
// effects, and say so, make it refuse the request.
//
// # Caveats
//
// The fake clientsets of client-go do not know dry runs and store the result. Those that
// test/fake has hardened, and test/sim, answer as a server does.
//
// A repository whose writes are all dry runs, see [Live.With], is not for a controller: a
// finalizer would never be stored. controller.New refuses it.
func DryRun() AnyOption {
	return forAny{forWrite{func(to *writing) { to.dryRun = true }}}
}

// Force takes the fields that another manager owns, with other values, over: they are not an
// error of class FieldManagerConflict any more, and the other one owns them no longer. Without it
// they are an error. Where two controllers force the same field they undo each other's writes.
func Force() ApplyOption {
	return forApply{func(to *writing) { to.force = true }}
}

// Foreground deletes the dependents of the object first: it stays, with a deletion
// timestamp, until those that block its deletion are gone. The default is the background:
// the object goes at once, and the garbage collector deletes its dependents after it. Of
// Foreground and [Orphan], the later one holds.
func Foreground() DeleteOption { return propagation(metav1.DeletePropagationForeground) }

// Orphan leaves the dependents of the object where they are, without an owner. The default
// is the background, see [Foreground].
func Orphan() DeleteOption { return propagation(metav1.DeletePropagationOrphan) }

func propagation(policy metav1.DeletionPropagation) DeleteOption {
	return forDelete{func(to *writing) { to.propagation = policy }}
}

// IfUnchanged deletes the object only as it was read: if it changed since, nothing is
// deleted, and the error is of class Conflict. It is for objects that belong to us only as
// long as a label says so. Without it the object must be the same one, by its UID, and may
// have changed. An object without a resourceVersion, which only fakes return, is deleted
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
