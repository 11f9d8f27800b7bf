package explore

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
)

// Mapper returns a mapper between kinds and resources, for a client that takes one. It knows what the
// server serves now. Unlike a mapper that uses discovery, it sends no requests: such a mapper holds a
// lock during a request, and in a run in which requests take time, time stands still as soon as another
// goroutine waits for that lock.
func (e *Env) Mapper() meta.RESTMapper {
	served := e.world.server.Served()
	slices.SortStableFunc(served, func(a, b schema.GroupVersionResource) int { // what is first is preferred
		return cmp.Or(cmp.Compare(a.Group, b.Group), version.CompareKubeAwareVersionStrings(b.Version, a.Version))
	})
	var versions []schema.GroupVersion
	for _, gvr := range served {
		versions = append(versions, gvr.GroupVersion())
	}
	mapper := meta.NewDefaultRESTMapper(slices.Compact(versions))
	for _, gvr := range served {
		gvk, ok := e.world.server.KindFor(gvr)
		if !ok {
			continue
		}
		scope := meta.RESTScopeRoot
		if _, namespaced, _ := e.world.server.Mapping(gvk); namespaced {
			scope = meta.RESTScopeNamespace
		}
		_, singular := meta.UnsafeGuessKindToResource(gvk)
		mapper.AddSpecific(gvk, gvr, singular, scope)
	}
	return mapper
}
