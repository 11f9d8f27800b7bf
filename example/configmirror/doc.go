// Package configmirror is an operator that copies a ConfigMap, and a Secret if the
// spec says so, into every namespace that matches a label selector, and keeps the
// copies equal to their source.
//
// # What it watches
//
//	ConfigMirrors   the controller's own kind
//	Namespaces      one that appears, goes, or changes its labels
//	ConfigMaps      sources, copies, and what is in the place of a copy
//	and Secrets
//
// Nothing says which change concerns which mirror: what Apply reads from the caches is
// what leads to the next Apply (controller.References), also what it did not find.
//
// The ConfigMaps and Secrets are cached whole, not only the copies, which a label
// selector could pick. It is the simplest thing that is right: any object may be a
// source, and sources carry no label of ours. It costs memory for every ConfigMap
// and Secret of the cluster, and the right to list them, which the operator needs
// in any case to read a source that it is told of at run time. In a cluster where
// that is too much, cache the copies by their label and let sources opt in by a
// label too.
//
// # Whose copy it is
//
// A copy carries the UID of its mirror in the label [LabelMirror]. What does not
// carry it is never changed or deleted, whatever its name. Who takes the label off
// a copy takes the copy over, and the mirror reports a conflict.
//
// Owner references would be legal, since a mirror has no namespace, and the garbage
// collector would delete the copies. With a finalizer a mirror is gone only when its
// copies are, however it is deleted, and what keeps them shows in its status. And it
// is what an operator needs whose own kind has a namespace: owner references cannot
// cross namespaces.
package configmirror
