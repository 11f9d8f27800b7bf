package debug

import (
	"k8s.io/apimachinery/pkg/types"
)

// objects are the last attempts of each of the objects that were worked on last. The places are made at
// first and used again, so that an attempt allocates nothing once they are filled. They are a list, from the object that was worked on last to the one that is forgotten next.
type objects struct {
	at             map[types.NamespacedName]int
	places         []place
	most, attempts int
	first          int
}

// place is one object. Its neighbours in the list, which is a circle, are places, too.
type place struct {
	key          types.NamespacedName
	attempts     ring[attempt]
	newer, older int
}

func newObjects(most, attempts int) objects {
	return objects{at: map[types.NamespacedName]int{}, most: most, attempts: attempts}
}

// of returns the attempts of an object, which is the newest now. If all places are taken it returns nil for an
// object that has none, unless the attempt is one to displace another object for.
func (o *objects) of(key types.NamespacedName, displaces bool) *ring[attempt] {
	i, known := o.at[key]
	switch {
	case known:
		o.unlink(i)
	case len(o.places) == o.most && !displaces:
		return nil
	case len(o.places) < o.most:
		i = len(o.places)
		o.places = append(o.places, place{key: key, attempts: ring[attempt]{most: o.attempts}})
		o.at[key] = i
	default:
		i = o.places[o.first].newer // the oldest: the list is a circle
		o.unlink(i)
		delete(o.at, o.places[i].key)
		o.at[key], o.places[i].key = i, key
		o.places[i].attempts.clear()
	}
	o.link(i)
	return &o.places[i].attempts
}

func (o *objects) unlink(i int) {
	p := &o.places[i]
	o.places[p.newer].older, o.places[p.older].newer = p.older, p.newer
	if o.first == i {
		o.first = p.older
	}
}

// link makes a place that is in no list the first one.
func (o *objects) link(i int) {
	if len(o.places) > 1 {
		before := &o.places[o.first]
		o.places[i].older, o.places[i].newer = o.first, before.newer
		o.places[before.newer].older = i
		before.newer = i
	}
	o.first = i
}

// get returns the attempts of an object, or nil, and does not make it the newest.
func (o *objects) get(key types.NamespacedName) *ring[attempt] {
	if i, ok := o.at[key]; ok {
		return &o.places[i].attempts
	}
	return nil
}
