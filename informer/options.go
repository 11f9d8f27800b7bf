package informer

import (
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Options change what an [Informer] sees. The zero value sees every object that
// its repository does.
type Options struct {
	// Namespaces limits the cache to these namespaces, with one watch each. Empty
	// means the namespaces that the repository is confined to, or else all. They can
	// be changed later, see [Informer.SetNamespaces].
	Namespaces []string
	// LabelSelector and FieldSelector limit the cache to matching objects. nil
	// means all objects. An object that stops matching looks deleted. The server
	// supports metadata.name and metadata.namespace in field selectors, and for
	// some kinds more.
	LabelSelector labels.Selector
	FieldSelector fields.Selector
	// Resync delivers every cached object to every handler again after this time,
	// without asking the server. Zero means never: a watch loses nothing, and a
	// resync can only help against bugs in handlers.
	Resync time.Duration
	// Probe is how often, give or take a fifth, the server is asked where it is, with a
	// list of one object for each watch. The answer shows a watch that is open and
	// delivers nothing, and a server that was restored from a backup: then everything
	// is listed anew, and handlers are told with a [StaleError]. A watch has two and a
	// half intervals to catch up.
	//
	// Zero means 60 s: that is how often the server tells an idle watch where it is. With
	// less, idle watches look silent in between. Negative means never. Fakes of
	// client-go are not probed: their lists and their objects are numbered apart.
	Probe time.Duration
	// OnUndecodable, if set, is called for each object that is left out of the cache
	// because it does not fit the Go type, after Handler.OnError, with an error of
	// class kerr.ClassUndecodable. The goroutine that reads the watch calls it: it
	// must return quickly, and it must be safe for concurrent use if several
	// namespaces are watched. A panic in it is told to Handler.OnError. Repositories
	// made by repository.FromClient do not call it: they cannot decode such a list.
	OnUndecodable func(key types.NamespacedName, err error)
	// KeepManagedFields keeps metadata.managedFields in the cache. They are
	// dropped by default because they often are the larger half of an object and
	// few operators read them.
	KeepManagedFields bool
}
