// Package dependents finds the keys whose attempts read an object, or a list that it belongs to.
package dependents

import (
	"maps"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/internal/journal"
)

// Keys are a set of keys.
type Keys = sets.Set[types.NamespacedName]

// Table has the keys that read something of one informer. A read is entered before it is
// answered: a change that comes after the answer finds it. An event asks only the lists that
// it may concern, which are found by what all objects of a list have in common. What each key
// read is in its record, see Reads.
type Table struct {
	mu      sync.Mutex
	objects map[types.NamespacedName]Keys // who read an object
	lists   map[string]*List              // by id
	buckets map[bucket]sets.Set[*List]
	indexes map[string]int // the lists by each index, so that the others are not asked
}

// Read is an object by its name, or a list by its id.
type Read struct {
	Name types.NamespacedName
	List string
}

// List is a list that was read.
type List struct {
	in      bucket
	Matches any  // a func(U) bool, which is asked about the objects of the bucket
	by      Keys // who read it
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

// New returns an empty Table.
func New() *Table {
	return &Table{
		objects: map[types.NamespacedName]Keys{}, lists: map[string]*List{}, buckets: map[bucket]sets.Set[*List]{},
		indexes: map[string]int{},
	}
}

// enter notes that a key reads something. s is for lists.
func (x *Table) enter(by types.NamespacedName, what Read, s journal.Selection) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if what.List == "" {
		if x.objects[what.Name] == nil {
			x.objects[what.Name] = Keys{}
		}
		x.objects[what.Name].Insert(by)
		return
	}
	l := x.lists[what.List]
	if l == nil {
		l = &List{in: x.place(s), Matches: s.Matches, by: Keys{}}
		x.lists[what.List] = l
		if x.buckets[l.in] == nil {
			x.buckets[l.in] = sets.Set[*List]{}
		}
		x.buckets[l.in].Insert(l)
		if l.in.indexed {
			x.indexes[l.in.name]++
		}
	}
	l.by.Insert(by)
}

// exit is the end of what enter began.
func (x *Table) exit(by types.NamespacedName, all sets.Set[Read]) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for what := range all {
		x.drop(by, what)
	}
}

// drop must be called with x.mu held.
func (x *Table) drop(by types.NamespacedName, what Read) {
	if what.List == "" {
		if x.objects[what.Name].Delete(by); len(x.objects[what.Name]) == 0 {
			delete(x.objects, what.Name)
		}
		return
	}
	l := x.lists[what.List]
	if l == nil {
		return
	}
	if l.by.Delete(by); len(l.by) > 0 {
		return
	}
	delete(x.lists, what.List)
	if x.buckets[l.in].Delete(l); len(x.buckets[l.in]) == 0 {
		delete(x.buckets, l.in)
	}
	if l.in.indexed {
		if x.indexes[l.in.name]--; x.indexes[l.in.name] == 0 {
			delete(x.indexes, l.in.name)
		}
	}
}

// place returns the bucket for a list. Of several labels it takes the one that the fewest
// lists share so far: what all of them ask for, such as the name of the operator, tells
// nothing apart. It must be called with x.mu held.
func (x *Table) place(s journal.Selection) bucket {
	best := bucket{namespace: s.Namespace}
	if s.Index != "" {
		best.property = property{indexed: true, name: s.Index, value: s.Value}
		return best
	}
	for n, label := range s.Labels {
		b := bucket{s.Namespace, property{name: label.Key, value: label.Value}}
		if n == 0 || len(x.buckets[b]) < len(x.buckets[best]) {
			best = b
		}
	}
	return best
}

// Reads are what a key read in its last attempt. Each of them is entered in its deps, until
// Keep.
type Reads map[*Table]sets.Set[Read]

// Add notes a read, which was not answered yet.
func (r *Reads) Add(x *Table, by types.NamespacedName, what Read, s journal.Selection) {
	if *r == nil {
		*r = Reads{}
	}
	if (*r)[x] == nil {
		(*r)[x] = sets.Set[Read]{}
	}
	(*r)[x].Insert(what)
	x.enter(by, what, s)
}

// With returns r and more, which are those of an attempt that may have read less than it would.
func (r Reads) With(more Reads) Reads {
	if r == nil {
		return more
	}
	for x, what := range more {
		r[x] = what.Union(r[x])
	}
	return r
}

// Keep ends those that are not among still.
func (r Reads) Keep(by types.NamespacedName, still Reads) {
	for x, before := range r {
		x.exit(by, before.Difference(still[x]))
	}
}

// Concerned returns the lists that obj may belong to, and adds those who read obj itself to
// found. indexed is asked for the values of obj in the indexes that lists were read by.
func (x *Table) Concerned(found Keys, obj metav1.Object, indexed func(index string) []string) []*List {
	properties := []property{{}}
	for key, value := range obj.GetLabels() {
		properties = append(properties, property{name: key, value: value})
	}
	for _, index := range x.indexed() {
		for _, value := range indexed(index) { // which is a user's code
			properties = append(properties, property{indexed: true, name: index, value: value})
		}
	}
	var lists []*List
	x.mu.Lock()
	defer x.mu.Unlock()
	addAll(found, x.objects[types.NamespacedName{Namespace: obj.GetNamespace(), Name: obj.GetName()}])
	for _, namespace := range namespacesOf(obj) {
		for _, p := range properties {
			for l := range x.buckets[bucket{namespace, p}] {
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

// Readers adds those who read a list to found.
func (x *Table) Readers(found Keys, l *List) {
	x.mu.Lock()
	defer x.mu.Unlock()
	addAll(found, l.by)
}

func addAll(found, more Keys) {
	for by := range more {
		found.Insert(by)
	}
}

// indexed returns the names of the indexes that were read.
func (x *Table) indexed() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Collect(maps.Keys(x.indexes))
}
