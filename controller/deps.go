package controller

import (
	"maps"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/internal/attempt"
)

type keys = sets.Set[types.NamespacedName]

// deps are who read what of one informer, and what each read in its last attempt. A
// read is entered before it is answered: a change that comes after the answer finds
// it. An event asks only the lists that it may concern, which are found by what all
// objects of a list have in common.
type deps struct {
	mu      sync.Mutex
	objects map[types.NamespacedName]keys // who read an object
	lists   map[string]*list              // by id
	buckets map[bucket]sets.Set[*list]
	indexes map[string]int // the lists by each index, so that the others are not asked
	of      map[types.NamespacedName]sets.Set[read]
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
		indexes: map[string]int{}, of: map[types.NamespacedName]sets.Set[read]{},
	}
}

// enter notes that a key reads something. s is for lists.
func (d *deps) enter(by types.NamespacedName, what read, s attempt.Selection) {
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

// leave is the end of what enter began. It must be called with d.mu held.
func (d *deps) leave(by types.NamespacedName, what read) {
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
func (d *deps) place(s attempt.Selection) bucket {
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

// settle replaces what a key read before by what it read now.
func (d *deps) settle(by types.NamespacedName, now sets.Set[read]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for what := range d.of[by] {
		if !now.Has(what) {
			d.leave(by, what)
		}
	}
	if len(now) == 0 {
		delete(d.of, by)
	} else {
		d.of[by] = now
	}
}

// add notes more of what a key read.
func (d *deps) add(by types.NamespacedName, more sets.Set[read]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of[by] == nil {
		d.of[by] = sets.Set[read]{}
	}
	d.of[by].Insert(more.UnsortedList()...)
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
