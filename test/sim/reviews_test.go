package sim_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/test/sim"
)

// mayReadMaps is a server on which jane may get ConfigMaps in the namespace default; clients are
// those of an administrator and of jane.
func mayReadMaps(t *testing.T) (srv *sim.Server, admin, jane kubernetes.Interface) {
	t.Helper()
	srv, admin = start(t, sim.Options{Kinds: sim.Core("configmaps", "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io")})
	_, err := admin.RbacV1().Roles("default").Create(t.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "reader"}, Rules: []rbacv1.PolicyRule{{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"configmaps"}}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = admin.RbacV1().RoleBindings("default").Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "reader"}, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "reader"},
		Subjects: []rbacv1.Subject{{Kind: "User", Name: "jane"}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	cfg := srv.Config()
	cfg.BearerToken = srv.Token("jane", "developers")
	jane, err = kubernetes.NewForConfig(cfg)
	require.NoError(t, err)
	return srv, admin, jane
}

func get(resource, namespace string) *authorizationv1.ResourceAttributes {
	return &authorizationv1.ResourceAttributes{Verb: "get", Resource: resource, Namespace: namespace}
}

// Anybody may ask what he may do; of others one needs a right to ask.
func TestReviewsOfAccess(t *testing.T) {
	_, admin, jane := mayReadMaps(t)
	for _, c := range []struct {
		client  kubernetes.Interface
		what    *authorizationv1.ResourceAttributes
		path    *authorizationv1.NonResourceAttributes
		allowed bool
	}{
		{client: jane, what: get("configmaps", "default"), allowed: true},
		{client: jane, what: get("configmaps", "kube-system")},
		{client: jane, what: get("secrets", "default")},
		{client: jane, path: &authorizationv1.NonResourceAttributes{Verb: "get", Path: "/version"}, allowed: true},
		{client: jane, path: &authorizationv1.NonResourceAttributes{Verb: "get", Path: "/metrics"}},
		{client: admin, what: get("secrets", ""), allowed: true},
	} {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: c.what, NonResourceAttributes: c.path}}
		got, err := c.client.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), review, metav1.CreateOptions{})
		require.NoError(t, err)
		require.Equal(t, c.allowed, got.Status.Allowed, review)
	}
	other := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: "jane", ResourceAttributes: get("configmaps", "default")}}
	got, err := admin.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), other, metav1.CreateOptions{})
	require.NoError(t, err)
	require.True(t, got.Status.Allowed)
	_, err = jane.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), other, metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	local := &authorizationv1.LocalSubjectAccessReview{Spec: other.Spec}
	here, err := admin.AuthorizationV1().LocalSubjectAccessReviews("default").Create(t.Context(), local, metav1.CreateOptions{})
	require.NoError(t, err)
	require.True(t, here.Status.Allowed)
	_, err = admin.AuthorizationV1().LocalSubjectAccessReviews("kube-system").Create(t.Context(), local, metav1.CreateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
}

func TestReviewsThatAskNothing(t *testing.T) {
	_, admin, _ := mayReadMaps(t)
	_, err := admin.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), &authorizationv1.SelfSubjectAccessReview{}, metav1.CreateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	nobody := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{ResourceAttributes: get("secrets", "")}}
	_, err = admin.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), nobody, metav1.CreateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	_, err = admin.AuthorizationV1().SelfSubjectRulesReviews().Create(t.Context(), &authorizationv1.SelfSubjectRulesReview{}, metav1.CreateOptions{})
	require.True(t, apierrors.IsBadRequest(err), "%v", err)
	_, err = admin.AuthenticationV1().TokenReviews().Create(t.Context(), &authenticationv1.TokenReview{}, metav1.CreateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
}

func TestReviewOfRules(t *testing.T) {
	_, _, jane := mayReadMaps(t)
	rules := func(namespace string) *authorizationv1.SelfSubjectRulesReview {
		got, err := jane.AuthorizationV1().SelfSubjectRulesReviews().Create(t.Context(), &authorizationv1.SelfSubjectRulesReview{
			Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		return got
	}
	maps := authorizationv1.ResourceRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"configmaps"}}
	require.Contains(t, rules("default").Status.ResourceRules, maps)
	require.NotContains(t, rules("kube-system").Status.ResourceRules, maps)
	require.NotEmpty(t, rules("default").Status.NonResourceRules)
}

// Who somebody is, and who is behind a token.
func TestReviewsOfUsers(t *testing.T) {
	srv, admin, jane := mayReadMaps(t)
	self, err := jane.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, "jane", self.Status.UserInfo.Username)
	require.Equal(t, []string{"developers", "system:authenticated"}, self.Status.UserInfo.Groups)
	for token, known := range map[string]bool{srv.Token("john"): true, "guess": false, "not a token": false} {
		got, err := admin.AuthenticationV1().TokenReviews().Create(t.Context(), &authenticationv1.TokenReview{
			Spec: authenticationv1.TokenReviewSpec{Token: token},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		require.Equal(t, known, got.Status.Authenticated)
		require.Equal(t, known, got.Status.User.Username == "john")
		require.Equal(t, known, got.Status.Error == "")
	}
}
