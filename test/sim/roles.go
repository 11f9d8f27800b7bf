package sim

import (
	"encoding/json"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// What all users may do by default: see the health of the server, and, if authenticated, what it
// serves.
var (
	publicPaths    = rbacv1.PolicyRule{Verbs: []string{"get"}, NonResourceURLs: []string{"/healthz", "/livez", "/readyz", "/version", "/version/"}}
	discoveryPaths = rbacv1.PolicyRule{Verbs: []string{"get"}, NonResourceURLs: []string{
		"/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/",
	}}
	ownRights = rbacv1.PolicyRule{
		Verbs: []string{"create"}, APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"selfsubjectaccessreviews", "selfsubjectrulesreviews"},
	}
	ownName = rbacv1.PolicyRule{Verbs: []string{"create"}, APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"selfsubjectreviews"}}
)

// given are the rules that a user has without any role on the server.
func (u *user) given() []rbacv1.PolicyRule {
	switch {
	case slices.Contains(u.groups, masters):
		all := []string{rbacv1.VerbAll}
		return []rbacv1.PolicyRule{
			{Verbs: all, APIGroups: all, Resources: all}, {Verbs: all, NonResourceURLs: all}, ownRights, ownName, publicPaths, discoveryPaths,
		}
	case slices.Contains(u.groups, authenticated):
		return []rbacv1.PolicyRule{ownRights, ownName, publicPaths, discoveryPaths}
	case slices.Contains(u.groups, unauthenticated):
		return []rbacv1.PolicyRule{publicPaths}
	}
	return nil
}

// allowed reports whether the roles of a user allow something, as they are now; errs say
// which of them could not be found.
func (s *Server) allowed(u *user, a access) (allowed bool, errs []error) {
	rules, errs := s.rulesOf(u, a.namespace)
	if slices.ContainsFunc(rules, a.allowedBy) {
		return true, nil
	}
	return false, errs
}

// rulesOf returns the rules that a user has in a namespace, or, if it is empty, in all; errs say
// which roles could not be found.
func (s *Server) rulesOf(u *user, namespace string) (rules []rbacv1.PolicyRule, errs []error) {
	rules = u.given()
	for _, b := range s.bindings(namespace) {
		if !slices.ContainsFunc(b.Subjects, func(subject rbacv1.Subject) bool { return u.is(subject, b.Namespace) }) {
			continue
		}
		more, err := s.rules(b)
		if err != nil {
			errs = append(errs, err)
		}
		rules = append(rules, more...)
	}
	return rules, errs
}

// bindings returns the ClusterRoleBindings, which have the same fields, and the RoleBindings
// of a namespace.
func (s *Server) bindings(namespace string) (out []rbacv1.RoleBinding) {
	for _, kind := range []string{"clusterrolebindings", "rolebindings"} {
		keys, records, _, _ := s.store.list(rbacv1.Resource(kind), newest)
		for i, rec := range records {
			if keys[i].Namespace == "" || keys[i].Namespace == namespace {
				out = append(out, typedAs[rbacv1.RoleBinding](rec))
			}
		}
	}
	return out
}

// rules are those of the role to which a binding binds.
func (s *Server) rules(b rbacv1.RoleBinding) ([]rbacv1.PolicyRule, error) {
	kind, namespace := "clusterrole", ""
	switch b.RoleRef.Kind {
	case "ClusterRole":
	case "Role":
		kind, namespace = "role", b.Namespace
	default:
		return nil, fmt.Errorf("unsupported role reference kind: %q", b.RoleRef.Kind)
	}
	rec := s.store.get(rbacv1.Resource(kind+"s"), keyOf(namespace, b.RoleRef.Name))
	if rec == nil {
		return nil, apierrors.NewNotFound(rbacv1.Resource(kind), b.RoleRef.Name)
	}
	return typedAs[rbacv1.Role](rec).Rules, nil
}

// typedAs returns an object in its Go type, through which it has gone before it was stored.
func typedAs[T any](rec *record) (out T) {
	if err := json.Unmarshal(rec.raw, &out); err != nil {
		panic(err) //nolint:forbidigo // it has been in this type before
	}
	return out
}

// is reports whether a user is one of those that a binding in a namespace names.
func (u *user) is(subject rbacv1.Subject, namespace string) bool {
	switch subject.Kind {
	case rbacv1.UserKind:
		return u.name == subject.Name
	case rbacv1.GroupKind:
		return slices.Contains(u.groups, subject.Name)
	case rbacv1.ServiceAccountKind:
		if subject.Namespace != "" {
			namespace = subject.Namespace
		}
		return namespace != "" && u.name == accountPrefix+namespace+":"+subject.Name
	}
	return false
}
