package operator

import (
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

// guardRules are what the guard of the metrics needs, in the whole cluster.
func guardRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"tokenreviews"}, Verbs: []string{"create"}},
		{APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"subjectaccessreviews"}, Verbs: []string{"create"}},
	}
}

// verbs are in the order in which people write them.
var verbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"} //nolint:gochecknoglobals // a constant

// merged returns the same rights in fewer rules: one for all resources of a group that need the same verbs.
// Rules for named objects and for paths stay as they are.
func merged(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	needed := map[[2]string]sets.Set[string]{} // by group and resource
	var others []rbacv1.PolicyRule
	for _, rule := range rules {
		if len(rule.ResourceNames)+len(rule.NonResourceURLs) > 0 {
			others = append(others, rule)
			continue
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				of := [2]string{group, resource}
				if needed[of] == nil {
					needed[of] = sets.New[string]()
				}
				needed[of].Insert(rule.Verbs...)
			}
		}
	}
	var all []rbacv1.PolicyRule
	at := map[[2]string]int{} // by group and verbs
	for _, of := range slices.SortedFunc(maps.Keys(needed), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		may := ordered(needed[of])
		same := [2]string{of[0], strings.Join(may, ",")}
		if i, ok := at[same]; ok {
			all[i].Resources = append(all[i].Resources, of[1])
			continue
		}
		at[same] = len(all)
		all = append(all, rbacv1.PolicyRule{APIGroups: []string{of[0]}, Resources: []string{of[1]}, Verbs: may})
	}
	return append(all, others...)
}

func ordered(set sets.Set[string]) []string {
	return slices.SortedFunc(maps.Keys(set), func(a, b string) int {
		if by := slices.Index(verbs, a) - slices.Index(verbs, b); by != 0 {
			return by
		}
		return strings.Compare(a, b)
	})
}
