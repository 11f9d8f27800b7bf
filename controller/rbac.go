package controller

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kuberator/kuberator/repository"
)

// RequiredRules returns the RBAC rules that the library needs for this controller: to read, watch
// and patch its kind, to patch the status unless [Options].NoStatus is set, and to list and watch the kinds given
// to Owns, OwnsShared, Watches and References. Call it after these functions. "list" is for the probe of
// the watches, for API servers that cannot stream lists, and for ReleaseAll and a [Sweeper].
//
// Add the rights for what Apply and Cleanup send, and "get" for a kind that they write and read
// from an informer: an own write that the cache does not show may be read from the API server.
// For a controller that is limited to namespaces, a Role in each of them is enough.
func (c *Controller[T, C]) RequiredRules() []rbacv1.PolicyRule {
	own, _ := meta.UnsafeGuessKindToResource(c.repo.Kind())
	if r, ok := c.repo.(repository.Resourced); ok {
		own = r.Resource()
	}
	verbs := []string{"get", "list", "watch"}
	if c.finalizer != NoFinalizer {
		verbs = append(verbs, "patch")
	}
	rules := []rbacv1.PolicyRule{rule(own, verbs...)}
	if !c.opts.NoStatus {
		rules = append(rules, rule(own.GroupVersion().WithResource(own.Resource+"/status"), "patch"))
	}
	c.mu.Lock()
	sources := slices.Clone(c.sources)
	c.mu.Unlock()
	for _, s := range sources {
		if gvr := s.resource(); !gvr.Empty() {
			rules = append(rules, rule(gvr, "list", "watch"))
		}
	}
	return rules
}

func rule(gvr schema.GroupVersionResource, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{gvr.Group}, Resources: []string{gvr.Resource}, Verbs: verbs}
}
