package event

import rbacv1 "k8s.io/api/rbac/v1"

// RequiredRules returns the RBAC rules that a [Broadcaster] needs, in each namespace with objects that
// events are about, and in "default" if objects without a namespace are among them.
func RequiredRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{{APIGroups: []string{"events.k8s.io"}, Resources: []string{"events"}, Verbs: []string{"create", "patch"}}}
}
