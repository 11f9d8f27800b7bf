package sim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/test/sim"
)

// with returns a client that shows a token.
func with(t *testing.T, srv *sim.Server, token string) kubernetes.Interface {
	t.Helper()
	cfg := srv.Config()
	cfg.BearerToken = token
	client, err := kubernetes.NewForConfig(cfg)
	require.NoError(t, err)
	return client
}

// operator makes a service account of the namespace default that may list ConfigMaps.
func operator(t *testing.T, admin kubernetes.Interface) {
	t.Helper()
	_, err := admin.CoreV1().ServiceAccounts("default").Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "operator"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	allow(t, admin, "reader", "list")
	bind(t, admin, "reader", rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "operator"})
}

func request(t *testing.T, admin kubernetes.Interface, spec authenticationv1.TokenRequestSpec) authenticationv1.TokenRequestStatus {
	t.Helper()
	got, err := admin.CoreV1().ServiceAccounts("default").CreateToken(t.Context(), "operator", &authenticationv1.TokenRequest{Spec: spec}, metav1.CreateOptions{})
	require.NoError(t, err)
	return got.Status
}

var tokenKinds = append(sim.Core("configmaps", "serviceaccounts", "secrets"), rbacKinds...)

// A token of a service account has the rights of that account, until it expires: S9 in a
// unit test.
func TestATokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, admin := start(t, sim.Options{Kinds: tokenKinds})
		defer srv.Close()
		operator(t, admin)
		issued := request(t, admin, authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(600))})
		require.Equal(t, time.Now().UTC().Add(10*time.Minute), issued.ExpirationTimestamp.UTC())
		client := with(t, srv, issued.Token)
		require.NoError(t, list(t, client))
		_, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), "a", metav1.GetOptions{})
		require.ErrorContains(t, err, `User "system:serviceaccount:default:operator" cannot get resource "configmaps"`)

		time.Sleep(10*time.Minute - time.Nanosecond)
		require.NoError(t, list(t, client))
		time.Sleep(time.Nanosecond)
		require.True(t, apierrors.IsUnauthorized(list(t, client)))
		require.NoError(t, list(t, with(t, srv, request(t, admin, authenticationv1.TokenRequestSpec{}).Token)))
	})
}

// A token ends with its service account, also when one of the same name comes, and with the
// object that it is bound to.
func TestATokenEndsWithWhatItIsBoundTo(t *testing.T) {
	srv, admin := start(t, sim.Options{Kinds: tokenKinds})
	operator(t, admin)
	secret, err := admin.CoreV1().Secrets("default").Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "session"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	ref := &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Secret", Name: "session"}
	plain := with(t, srv, request(t, admin, authenticationv1.TokenRequestSpec{}).Token)
	bound := with(t, srv, request(t, admin, authenticationv1.TokenRequestSpec{BoundObjectRef: ref}).Token)
	require.NoError(t, list(t, plain))
	require.NoError(t, list(t, bound))

	require.NoError(t, admin.CoreV1().Secrets("default").Delete(t.Context(), secret.Name, metav1.DeleteOptions{}))
	require.True(t, apierrors.IsUnauthorized(list(t, bound)))
	require.NoError(t, list(t, plain))

	accounts := admin.CoreV1().ServiceAccounts("default")
	require.NoError(t, accounts.Delete(t.Context(), "operator", metav1.DeleteOptions{}))
	_, err = accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "operator"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.True(t, apierrors.IsUnauthorized(list(t, plain)))
}

// Only a token that the server gave out for itself opens it; one who shows none is an
// administrator in the process.
func TestTokensThatOpenNothing(t *testing.T) {
	srv, admin := start(t, sim.Options{Kinds: tokenKinds})
	operator(t, admin)
	require.True(t, apierrors.IsUnauthorized(list(t, with(t, srv, "guessed"))))
	foreign := request(t, admin, authenticationv1.TokenRequestSpec{Audiences: []string{"vault"}}).Token
	require.True(t, apierrors.IsUnauthorized(list(t, with(t, srv, foreign))))
	require.True(t, apierrors.IsForbidden(list(t, with(t, srv, srv.Token("somebody")))))
	require.NoError(t, list(t, with(t, srv, srv.Token("admin", "system:masters"))))
	require.NoError(t, list(t, with(t, srv, "")))
}

// Who shows a token may impersonate only whom its rights allow, so that no right is gained by it.
func TestTokensDoNotImpersonateAtWill(t *testing.T) {
	srv, admin := start(t, sim.Options{Kinds: tokenKinds})
	operator(t, admin)
	impersonate := func(user string, groups ...string) error {
		cfg := srv.Config()
		cfg.BearerToken = request(t, admin, authenticationv1.TokenRequestSpec{}).Token
		return list(t, as(t, cfg, user, groups...))
	}
	require.ErrorContains(t, impersonate("admin", "system:masters"),
		`User "system:serviceaccount:default:operator" cannot impersonate resource "users" in API group "" at the cluster scope`)
	require.ErrorContains(t, impersonate("system:serviceaccount:kube-system:other"),
		`cannot impersonate resource "serviceaccounts" in API group "" in the namespace "kube-system"`)

	_, err := admin.RbacV1().ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "support"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"users"}, ResourceNames: []string{"jane"}, Verbs: []string{"impersonate"}}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = admin.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "support"}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: "support"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "default", Name: "operator"}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.ErrorContains(t, impersonate("jane"), `User "jane" cannot list resource "configmaps"`)
	require.ErrorContains(t, impersonate("jane", "system:masters"), `cannot impersonate resource "groups" in API group "" at the cluster scope`)
	require.ErrorContains(t, impersonate("john"), `cannot impersonate resource "users"`)
}
