package controller

import (
	"maps"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/internal/journal"
)

type keys = sets.Set[types.NamespacedName]

// deps are the keys that read something of one informer. A read is entered before it is
// answered: a change that comes after the answer finds it. An event asks only the lists that
// it may concern, which are found by what all objects of a list have in common. What each key
// read is in its record, see reads.
type deps struct {
	mu      sync.Mutex
	objects map[types.NamespacedName]keys // who read an object
	lists   map[string]*list              // by id
	buckets map[bucket]sets.Set[*list]
	indexes map[string]int // the lists by each index, so that the others are not asked
}

// read is an object by its name, or a list by its id.
type read struct {
	name types.NamespacedName
	list string
}

// list is a list that was read.
type list struct {
	in      bucket
	matches any  // a func(U) bool, which is asked about the objects of the bucket
	by      keys // who read it
}

// bucket holds the lists whose objects are all in one namespace, or in any if that is
// empty, and have one property in common, if one is known.
type bucket struct {
	namespace string
	property
}

// property is a label, or a value in an index. The zero value is none.
type property struct {
	indexed     bool
	name, value string
}

func newDeps() *deps {
	return &deps{
		objects: map[types.NamespacedName]keys{}, lists: map[string]*list{}, buckets: map[bucket]sets.Set[*list]{},
		indexes: map[string]int{},
	}
}

// enter notes that a key reads something. s is for lists.
func (d *deps) enter(by types.NamespacedName, what read, s journal.Selection) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if what.list == "" {
		if d.objects[what.name] == nil {
			d.objects[what.name] = keys{}
		}
		d.objects[what.name].Insert(by)
		return
	}
	l := d.lists[what.list]
	if l == nil {
		l = &list{in: d.place(s), matches: s.Matches, by: keys{}}
		d.lists[what.list] = l
		if d.buckets[l.in] == nil {
			d.buckets[l.in] = sets.Set[*list]{}
		}
		d.buckets[l.in].Insert(l)
		if l.in.indexed {
			d.indexes[l.in.name]++
		}
	}
	l.by.Insert(by)
}

// leave is the end of what enter began.
func (d *deps) leave(by types.NamespacedName, all sets.Set[read]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for what := range all {
		d.drop(by, what)
	}
}

// drop must be called with d.mu held.
func (d *deps) drop(by types.NamespacedName, what read) {
	if what.list == "" {
		if d.objects[what.name].Delete(by); len(d.objects[what.name]) == 0 {
			delete(d.objects, what.name)
		}
		return
	}
	l := d.lists[what.list]
	if l == nil {
		return
	}
	if l.by.Delete(by); len(l.by) > 0 {
		return
	}
	delete(d.lists, what.list)
	if d.buckets[l.in].Delete(l); len(d.buckets[l.in]) == 0 {
		delete(d.buckets, l.in)
	}
	if l.in.indexed {
		if d.indexes[l.in.name]--; d.indexes[l.in.name] == 0 {
			delete(d.indexes, l.in.name)
		}
	}
}

// place returns the bucket for a list. Of several labels it takes the one that the fewest
// lists share so far: what all of them ask for, such as the name of the operator, tells
// nothing apart. It must be called with d.mu held.
func (d *deps) place(s journal.Selection) bucket {
	best := bucket{namespace: s.Namespace}
	if s.Index != "" {
		best.property = property{indexed: true, name: s.Index, value: s.Value}
		return best
	}
	for n, label := range s.Labels {
		b := bucket{s.Namespace, property{name: label.Key, value: label.Value}}
		if n == 0 || len(d.buckets[b]) < len(d.buckets[best]) {
			best = b
		}
	}
	return best
}

// reads are what a key read in its last attempt. Each of them is entered in its deps, until
// leave.
type reads map[*deps]sets.Set[read]

// add notes a read, which was not answered yet.
func (r *reads) add(d *deps, by types.NamespacedName, what read, s journal.Selection) {
	if *r == nil {
		*r = reads{}
	}
	if (*r)[d] == nil {
		(*r)[d] = sets.Set[read]{}
	}
	(*r)[d].Insert(what)
	d.enter(by, what, s)
}

// with returns r and more, which are those of an attempt that may have read less than it would.
func (r reads) with(more reads) reads {
	if r == nil {
		return more
	}
	for d, what := range more {
		r[d] = what.Union(r[d])
	}
	return r
}

// leave is the end of those that are not among still.
func (r reads) leave(by types.NamespacedName, still reads) {
	for d, before := range r {
		d.leave(by, before.Difference(still[d]))
	}
}

// concerned returns the lists that obj may belong to, and adds those who read obj itself to
// found. indexed is asked for the values of obj in the indexes that lists were read by.
func (d *deps) concerned(found keys, obj metav1.Object, indexed func(index string) []string) []*list {
	properties := []property{{}}
	for key, value := range obj.GetLabels() {
		properties = append(properties, property{name: key, value: value})
	}
	for _, index := range d.indexed() {
		for _, value := range indexed(index) { // which is a user's code
			properties = append(properties, property{indexed: true, name: index, value: value})
		}
	}
	var lists []*list
	d.mu.Lock()
	defer d.mu.Unlock()
	addAll(found, d.objects[types.NamespacedName{Namespace: obj.GetNamespace(), Name: obj.GetName()}])
	for _, namespace := range namespacesOf(obj) {
		for _, p := range properties {
			for l := range d.buckets[bucket{namespace, p}] {
				lists = append(lists, l)
			}
		}
	}
	return lists
}

// namespacesOf returns the namespaces of the lists that obj may belong to.
func namespacesOf(obj metav1.Object) []string {
	if obj.GetNamespace() == metav1.NamespaceAll {
		return []string{metav1.NamespaceAll}
	}
	return []string{metav1.NamespaceAll, obj.GetNamespace()}
}

// who adds those who read a list to found.
func (d *deps) who(found keys, l *list) {
	d.mu.Lock()
	defer d.mu.Unlock()
	addAll(found, l.by)
}

func addAll(found, more keys) {
	for by := range more {
		found.Insert(by)
	}
}

// indexed returns the names of the indexes that were read.
func (d *deps) indexed() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Keys(d.indexes))
}
