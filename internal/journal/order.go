package journal

import "k8s.io/apimachinery/pkg/api/equality"

// Order is how a state of an object follows another one in a cache.
type Order uint8

// The orders.
const (
	Later Order = iota // as far as can be told
	Same
	// Rewritten is a state of another history than the one before: the server was
	// restored from a backup, and gives numbers to states that others had before.
	Rewritten
)

// OrderOf compares two states of the same name. The same number is nearly always the same
// state, in a resync the very same object: it is compared only after a list.
func OrderOf(before, after Object) Order {
	was, is := before.GetResourceVersion(), after.GetResourceVersion()
	switch {
	case is == "":
		return Later
	case was == is && (before == after || alike(before, after)):
		return Same
	case was == is || Older(is, was):
		return Rewritten
	default:
		return Later
	}
}

// alike compares the contents of two states, but for the kind: clientsets decode an object in a list
// without it, and one in an event with it.
func alike(a, b Object) bool {
	a, b = bare(a), bare(b)
	if kind := a.GetObjectKind().GroupVersionKind(); kind != b.GetObjectKind().GroupVersionKind() {
		b = b.DeepCopyObject().(Object)
		b.GetObjectKind().SetGroupVersionKind(kind)
	}
	return equality.Semantic.DeepEqual(a, b)
}
