package informer

import (
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Options change what an [Informer] caches. The zero value caches every object that the
// repository lists.
type Options struct {
	// Namespaces limits the cache to these namespaces, with one watch for each. Empty means the
	// namespaces that the repository is confined to, or else all. They can be changed later, see
	// [Informer.SetNamespaces].
	Namespaces []string
	// LabelSelector and FieldSelector limit the cache to matching objects. nil means all objects.
	// An object that no longer matches is reported as deleted. The API server supports
	// metadata.name and metadata.namespace in field selectors, and more for some kinds.
	LabelSelector labels.Selector
	FieldSelector fields.Selector
	// Resync is the interval at which handlers are called again with every cached object, without
	// a request to the server. Zero means never: a watch loses nothing, and a resync helps only
	// against bugs in handlers.
	Resync time.Duration
	// Probe is the interval, ±20 %, at which each watch is checked: the server's current
	// resourceVersion, from a list with limit 1, is compared with that of the cache. If the cache
	// does not reach it within 2.5 intervals, or if the server is at an older one because it was
	// restored from a backup, everything is listed again and handlers get a [StaleError].
	//
	// Zero means 60 s, the interval at which the server sends bookmarks to an idle watch; with a
	// shorter one, idle watches look as if they delivered nothing. Negative disables the check.
	// The fakes of client-go are never checked: their lists and their objects are numbered
	// independently.
	Probe time.Duration
	// OnUndecodable, if set, is called for each object that is left out of the cache because it
	// does not fit the Go type, after Handler.OnError, with an error of class
	// kerr.ClassUndecodable. It is called by the goroutine that reads the watch: it must return
	// quickly, and be safe for concurrent use if several namespaces are watched. If it panics,
	// Handler.OnError is called with that. It is not called with a repository made by
	// repository.FromClient, which cannot decode such a list at all.
	OnUndecodable func(key types.NamespacedName, err error)
	// KeepManagedFields keeps metadata.managedFields in the cache. By default they are removed,
	// because they often are more than half of an object and few operators read them.
	KeepManagedFields bool
}
