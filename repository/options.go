package repository

import (
	"errors"

	"k8s.io/utils/set"
)

// Option changes a repository that is made by [New], [FromClient] or another function of this
// package.
type Option func(*options)

type options struct {
	namespaces    []string
	clusterScoped bool
}

// InNamespaces confines the repository: it lists and watches these namespaces
// only, and a request for an object elsewhere is refused without being sent, with
// an error of class Forbidden. Without this option all namespaces are allowed.
func InNamespaces(namespaces ...string) Option {
	return func(o *options) { o.namespaces = set.New(namespaces...).SortedList() }
}

// ClusterScoped declares that the kind is cluster-scoped. Without it, a repository made by [New]
// does not know whether the kind has namespaces, and a missing namespace is an error of the
// server. Together with [InNamespaces] it is an error.
func ClusterScoped() Option {
	return func(o *options) { o.clusterScoped = true }
}

func apply[T Object](l *Live[T], opts []Option) *Live[T] {
	var o options
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	l.namespaces = o.namespaces
	switch {
	case o.clusterScoped && (len(o.namespaces) > 0 || l.scope == scopeNamespaced):
		l.err = errors.Join(l.err, errors.New("repository: a cluster-scoped kind has no namespaces to be confined to"))
	case o.clusterScoped:
		l.scope = scopeCluster
	case len(o.namespaces) > 0:
		l.scope = scopeNamespaced
	}
	return l
}
