package controller

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
)

type keys = sets.Set[types.NamespacedName]

// deps are who read what of one informer, and what each read in its last attempt. A
// read is entered before it is answered: a change that comes after the answer finds
// it.
type deps struct {
	mu       sync.Mutex
	readers  map[read]keys
	indexes  map[string]int // the reads of each index, so that the others are not asked
	matching map[string]any // what matches, a func(U) bool, by the id of a list
	of       map[types.NamespacedName]sets.Set[read]
}

// read is an object by its name, a value of an index, or a list by its id.
type read struct {
	name      types.NamespacedName
	index, id string
}

func newDeps() *deps {
	return &deps{
		readers: map[read]keys{}, indexes: map[string]int{}, matching: map[string]any{},
		of: map[types.NamespacedName]sets.Set[read]{},
	}
}

// enter notes that a key reads something. matches is for lists.
func (d *deps) enter(by types.NamespacedName, what read, matches any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.readers[what] == nil {
		d.readers[what] = keys{}
		switch {
		case what.index != "":
			d.indexes[what.index]++
		case what.id != "":
			d.matching[what.id] = matches
		}
	}
	d.readers[what].Insert(by)
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

// leave must be called with d.mu held.
func (d *deps) leave(by types.NamespacedName, what read) {
	if d.readers[what].Delete(by); len(d.readers[what]) > 0 {
		return
	}
	delete(d.readers, what)
	if what.index == "" {
		delete(d.matching, what.id)
		return
	}
	if d.indexes[what.index]--; d.indexes[what.index] == 0 {
		delete(d.indexes, what.index)
	}
}

// who adds those who read something to found.
func (d *deps) who(found keys, what read) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for by := range d.readers[what] {
		found.Insert(by)
	}
}

// indexed returns the names of the indexes that were read.
func (d *deps) indexed() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Keys(d.indexes))
}

// lists returns what matches, by the ids of the lists that were read.
func (d *deps) lists() map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.matching)
}
