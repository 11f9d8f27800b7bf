// Package kuberator is a library for writing Kubernetes operators: typed, generic
// reconcilers directly on client-go's informers.
//
// It has no code of its own. Start with package controller; the packages it uses,
// repository, informer, finalizer, status and kerr, also work alone. The README has
// the shortest operator.
package kuberator
