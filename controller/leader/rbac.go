package leader

import rbacv1 "k8s.io/api/rbac/v1"

// RequiredRules returns the RBAC rules that the elector needs in the namespace of its lease. The
// right to create a lease cannot be limited to a name, since RBAC does not see the name of what is
// created; it is not needed if the lease exists, as one without a holder.
func (e *Elector) RequiredRules() []rbacv1.PolicyRule {
	groups, leases := []string{"coordination.k8s.io"}, []string{"leases"}
	return []rbacv1.PolicyRule{
		{APIGroups: groups, Resources: leases, ResourceNames: []string{e.lease.Name}, Verbs: []string{"get", "update"}},
		{APIGroups: groups, Resources: leases, Verbs: []string{"create"}},
	}
}
