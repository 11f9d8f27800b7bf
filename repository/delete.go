package repository

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/kerr"
)

// Delete deletes the object that obj names, if it has the UID of obj. If it has another UID, or
// does not exist, nothing is deleted and there is no error: what obj stands for is gone. An obj without a UID, such as one
// that was made of a name and not read, is deleted by its name alone, whoever created it.
//
// Its dependents are deleted in the background, for every kind: also the Pods of a Job, which the
// server's own default does not delete. [Foreground] and [Orphan] change that. With [IfUnchanged]
// the object must also have the resourceVersion of obj: if it was changed since, the error is of
// class Conflict.
func (l *Live[T]) Delete(ctx context.Context, obj T, opts ...DeleteOption) error {
	return l.delete(ctx, obj, with(l.writing, opts))
}

func (l *Live[T]) delete(ctx context.Context, obj T, w writing) error {
	_, err := l.write(ctx, kerr.OpDelete, object(obj), w, func(ctx context.Context, key types.NamespacedName) (T, error) {
		return *new(T), l.backend.delete(ctx, key, w.deleteOptions(obj))
	})
	switch {
	case err != nil && kerr.ClassOf(err) == kerr.ClassNotFound:
		return nil
	case apierrors.IsConflict(err):
		// A precondition did not hold, or the kind refuses for a reason of its own.
		live, getErr := l.Get(ctx, Key(obj))
		if getErr != nil && kerr.ClassOf(getErr) == kerr.ClassNotFound || getErr == nil && isAnother(live, obj) {
			return nil
		}
	}
	return err
}

// isAnother reports whether the object that has the name is not the one that was to be deleted. Where that was any
// object of the name, it is not.
func isAnother[T Object](live, obj T) bool {
	return obj.GetUID() != "" && live.GetUID() != obj.GetUID()
}

// DeleteAllOf deletes the objects that the selector selects, in a namespace or, if that is empty,
// in all, and returns how many it found, including those that are already being deleted. 0 means
// that none is left: it is for a Cleanup that is finished only when all are gone.
//
// # Expected flow
//
//	left, err := pods.DeleteAllOf(ctx, db.Namespace, labels.SelectorFromSet(labels.Set{"db": db.Name}))
//	if err != nil || left > 0 {
//		return controller.Requeue(5 * time.Second), err
//	}
//
// # Guarantees
//
//   - The objects are listed on the server, as of now, so that an object that no cache has yet is
//     not missed. Then each is deleted as by [Live.Delete] with the same options, one after the
//     other.
//   - If an object cannot be deleted or decoded, the others are deleted all the same.
//   - Objects that are already being deleted are counted, and no request is sent for them. An
//     object that is gone when it is its turn is no error.
//   - A selector that is nil or empty would select everything, and is an error. labels.Nothing
//     selects nothing. (To delete everything, call List, and Delete for each.)
//
// # Assumptions
//
// The rights to list and to delete the kind. The verb deletecollection is not used, since it
// deletes by name, whatever object has that name by then.
//
// # Caveats
//
// An object whose label is removed after the list is deleted, unless [IfUnchanged] is given: then
// it is an error of class Conflict, and the next list does not have it. An object that is created
// after the list is not deleted. All objects found are in memory at once.
//
// # Errors
//
// Those of the list and of each deletion, joined: the first ten, and then the first of each
// further class. It ends early when ctx ends, and when the server asks to slow down; the rest is
// for the next attempt. A namespace that the repository is not confined to is of class Forbidden,
// and nothing is sent. A repository that is confined to several namespaces needs one of them.
func (l *Live[T]) DeleteAllOf(ctx context.Context, namespace string, selector labels.Selector, opts ...DeleteOption) (found int, err error) {
	text, err := selected(selector)
	if err != nil {
		return 0, l.wrap(kerr.OpDelete, types.NamespacedName{Namespace: namespace}, "", err)
	}
	if text == "" {
		return 0, nil
	}
	objs, err := l.List(ctx, namespace, metav1.ListOptions{LabelSelector: text})
	all := failures{}
	all.add(err)
	w := with(l.writing, opts)
	for _, obj := range objs {
		if obj.GetDeletionTimestamp() != nil || !selector.Matches(labels.Set(obj.GetLabels())) {
			continue
		}
		if ctx.Err() != nil {
			all.add(l.wrap(kerr.OpDelete, Key(obj), obj.GetUID(), context.Cause(ctx)))
			break
		}
		err := l.delete(ctx, obj, w)
		all.add(err)
		if class := kerr.ClassOf(err); class == kerr.ClassNotLeader || class == kerr.ClassThrottled {
			break
		}
	}
	return len(objs), all.join()
}

// selected returns the text of a selector; an empty one selects nothing.
func selected(selector labels.Selector) (string, error) {
	text := ""
	if selector != nil {
		all, something := selector.Requirements()
		if !something {
			return "", nil
		}
		// A selector of labels.SelectorFromSet was not checked, and the server reads its text: a
		// value "a,b!=c" would be two requirements.
		for _, r := range all {
			if _, err := labels.NewRequirement(r.Key(), r.Operator(), r.ValuesUnsorted()); err != nil {
				return "", kerr.Invalid(fmt.Errorf("the selector %q: %w", selector, err))
			}
		}
		text = selector.String()
	}
	if text == "" {
		return "", kerr.Terminal(errors.New("the selector is empty, which selects everything"))
	}
	return text, nil
}

// mostFailures bounds the errors that are joined, however many objects there are.
const mostFailures = 10

// failures are what went wrong, bounded.
type failures struct {
	kept    []error
	classes sets.Set[kerr.Class]
	more    int
}

// add keeps err if it is one of the first, or of a class that none of these has: what an error
// means for trying again must not depend on how many others there are.
func (f *failures) add(err error) {
	if err == nil {
		return
	}
	class := kerr.ClassOf(err)
	if len(f.kept) >= mostFailures && f.classes.Has(class) {
		f.more++
		return
	}
	if f.classes == nil {
		f.classes = sets.New[kerr.Class]()
	}
	f.kept, f.classes = append(f.kept, err), f.classes.Insert(class)
}

func (f *failures) join() error {
	err := errors.Join(f.kept...)
	if f.more > 0 {
		err = fmt.Errorf("%w\nand %d more of these classes", err, f.more)
	}
	return err
}
