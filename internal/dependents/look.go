package dependents

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// ReadBy returns what a key reads, in the order of names. It looks at all that is read.
func (x *Table) ReadBy(by types.NamespacedName) (all []Read) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for name, keys := range x.objects {
		if keys.Has(by) {
			all = append(all, Read{Name: name})
		}
	}
	for id, l := range x.lists {
		if l.by.Has(by) {
			all = append(all, Read{List: id})
		}
	}
	slices.SortFunc(all, func(a, b Read) int {
		return cmp.Or(cmp.Compare(a.List, b.List), cmp.Compare(a.Name.String(), b.Name.String()))
	})
	return all
}

// Named adds those who read an object by its name to found.
func (x *Table) Named(found Keys, name types.NamespacedName) {
	x.mu.Lock()
	defer x.mu.Unlock()
	addAll(found, x.objects[name])
}
