package sim_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/sim"
)

var rbacKinds = sim.Core(
	"roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io",
	"clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io")

// as returns a client that impersonates somebody.
func as(t *testing.T, cfg *rest.Config, user string, groups ...string) kubernetes.Interface {
	t.Helper()
	cfg.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
	client, err := kubernetes.NewForConfig(cfg)
	require.NoError(t, err)
	return client
}

// bind gives subjects of the namespace default a Role, which need not exist.
func bind(t *testing.T, admin kubernetes.Interface, role string, subjects ...rbacv1.Subject) *rbacv1.RoleBinding {
	t.Helper()
	b, err := admin.RbacV1().RoleBindings("default").Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role}, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: role}, Subjects: subjects,
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	return b
}

// allow makes a Role with rights to ConfigMaps.
func allow(t *testing.T, admin kubernetes.Interface, role string, verbs ...string) {
	t.Helper()
	_, err := admin.RbacV1().Roles("default").Create(t.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: role},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: verbs}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
}

func user(name string) rbacv1.Subject  { return rbacv1.Subject{Kind: rbacv1.UserKind, Name: name} }
func group(name string) rbacv1.Subject { return rbacv1.Subject{Kind: rbacv1.GroupKind, Name: name} }

func list(t *testing.T, client kubernetes.Interface) error {
	t.Helper()
	_, err := client.CoreV1().ConfigMaps("default").List(t.Context(), metav1.ListOptions{})
	return err
}

// A server without roles lets those who are impersonated do nothing but find out what it
// serves, and everybody else all as ever, over the same connections.
func TestRightsWithoutRoles(t *testing.T) {
	srv, _ := start(t, sim.Options{Kinds: sim.Core("configmaps")})
	session := srv.Session("operator")
	somebody := as(t, session.Config(), "somebody")
	require.True(t, apierrors.IsForbidden(list(t, somebody)))
	_, err := somebody.Discovery().ServerVersion()
	require.NoError(t, err)
	_, err = somebody.Discovery().ServerPreferredResources()
	require.NoError(t, err)
	require.NoError(t, list(t, as(t, session.Config(), "")))
	require.NoError(t, list(t, as(t, session.Config(), "somebody", "others", "system:masters")))
}

// A user has the rights of each of its groups.
func TestRightsOfGroups(t *testing.T) {
	srv, admin := start(t, sim.Options{Kinds: append(sim.Core("configmaps"), rbacKinds...)})
	allow(t, admin, "second", "list")
	bind(t, admin, "second", group("b"))
	require.NoError(t, list(t, as(t, srv.Config(), "somebody", "a", "b")))
	require.True(t, apierrors.IsForbidden(list(t, as(t, srv.Config(), "somebody", "a"))))
	require.True(t, apierrors.IsForbidden(list(t, as(t, srv.Config(), "b"))))
}

// Rights are those of the instant, where a real server takes a moment: also when the server
// goes back in time.
func TestRightsAreThoseOfNow(t *testing.T) {
	srv, admin := start(t, sim.Options{Kinds: append(sim.Core("configmaps"), rbacKinds...)})
	somebody := as(t, srv.Config(), "somebody")
	allow(t, admin, "reader", "list")
	require.True(t, apierrors.IsForbidden(list(t, somebody)))
	b := bind(t, admin, "reader", user("somebody"))
	require.NoError(t, list(t, somebody))
	require.NoError(t, admin.RbacV1().RoleBindings("default").Delete(t.Context(), b.Name, metav1.DeleteOptions{}))
	require.True(t, apierrors.IsForbidden(list(t, somebody)))
	rv, err := strconv.ParseUint(b.ResourceVersion, 10, 64)
	require.NoError(t, err)
	require.NoError(t, srv.Rewind(rv))
	require.NoError(t, list(t, somebody))
}

// A refusal names all roles of the user that are not there.
func TestRightsOfMissingRoles(t *testing.T) {
	srv, admin := start(t, sim.Options{Kinds: append(sim.Core("configmaps"), rbacKinds...)})
	bind(t, admin, "one", user("somebody"))
	bind(t, admin, "two", group("somebody"), user("somebody"))
	bind(t, admin, "three", user("somebody else"), rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "somebody"})
	err := list(t, as(t, srv.Config(), "somebody"))
	require.EqualError(t, err, `configmaps is forbidden: User "somebody" cannot list resource "configmaps" in API group "" in the namespace "default": `+
		`RBAC: [role.rbac.authorization.k8s.io "one" not found, role.rbac.authorization.k8s.io "two" not found]`)
}

// What is refused changes nothing, also where the right to create is missed late.
func TestRightsARefusalChangesNothing(t *testing.T) {
	writes := 0
	srv, admin := start(t, sim.Options{Kinds: append(sim.Core("configmaps"), rbacKinds...), OnChange: func(sim.Change) { writes++ }})
	allow(t, admin, "writer", "patch", "update")
	bind(t, admin, "writer", user("somebody"))
	before := writes
	maps := as(t, srv.Config(), "somebody").CoreV1().ConfigMaps("default")
	_, err := maps.Apply(t.Context(), applycorev1.ConfigMap("a", "default"), metav1.ApplyOptions{FieldManager: "m"})
	require.True(t, apierrors.IsForbidden(err), err)
	require.ErrorContains(t, err, "cannot create resource")
	_, err = maps.Create(t.Context(), configMap("a"), metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), err)
	require.Equal(t, before, writes)

	_, err = admin.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("a"), metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = maps.Apply(t.Context(), applycorev1.ConfigMap("a", "default"), metav1.ApplyOptions{FieldManager: "m"})
	require.NoError(t, err)
}
