package operator

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
)

// documents returns the objects of a manifest.
func documents(t *testing.T, text []byte) (all []runtime.Object) {
	t.Helper()
	for part := range strings.SplitSeq("\n"+string(text), "\n---\n") {
		obj, _, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(part), nil, nil)
		require.NoError(t, err, part)
		all = append(all, obj)
	}
	return all
}

// the returns the only object of a type.
func the[T runtime.Object](t *testing.T, text []byte) (found T) {
	t.Helper()
	all := documents(t, text)
	i := slices.IndexFunc(all, func(obj runtime.Object) bool { _, ok := obj.(T); return ok })
	require.GreaterOrEqual(t, i, 0)
	return all[i].(T)
}

var shops = shop(controller.Funcs[*corev1.ConfigMap]{FinalizerName: finalizing, ApplyFunc: func(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}})

func manifests(t *testing.T, o *Options, args ...string) map[string][]byte {
	t.Helper()
	files, err := Manifests(theName, args, shops, o)
	require.NoError(t, err)
	return files
}

// Kills: a right that a controller, the events, the lease, the guard or Apply needs and the manifests lack.
func TestS1TheManifestsHaveTheRights(t *testing.T) {
	files := manifests(t, &Options{Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets", "configmaps"}, Verbs: []string{"create", "get"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"one"}, Verbs: []string{"delete"}},
		{NonResourceURLs: []string{"/version"}, Verbs: []string{"get"}},
	}})
	role := func(name string) []rbacv1.PolicyRule {
		for _, obj := range documents(t, files["base/rbac.yaml"]) {
			if r, ok := obj.(*rbacv1.ClusterRole); ok && r.Name == name {
				return r.Rules
			}
		}
		require.Fail(t, "no role "+name)
		return nil
	}
	require.Equal(t, []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "list", "watch", "create", "patch"}},
		{APIGroups: []string{""}, Resources: []string{"configmaps/status"}, Verbs: []string{"patch"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get", "create"}},
		{APIGroups: []string{"events.k8s.io"}, Resources: []string{"events"}, Verbs: []string{"create", "patch"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"one"}, Verbs: []string{"delete"}},
		{NonResourceURLs: []string{"/version"}, Verbs: []string{"get"}},
	}, role("shop-operator"))
	require.Equal(t, guardRules(), role("shop-operator-metrics-auth"))
	lease := the[*rbacv1.Role](t, files["base/rbac.yaml"])
	require.Equal(t, "shop-operator-system", lease.Namespace)
	require.Equal(t, []string{"get", "update"}, lease.Rules[0].Verbs)
	require.Equal(t, []string{"shop-operator"}, lease.Rules[0].ResourceNames)
}

func deployment(t *testing.T, files map[string][]byte) *appsv1.Deployment {
	t.Helper()
	return the[*appsv1.Deployment](t, files["base/deployment.yaml"])
}

// The flags of --manifests are those of the operator.
func TestManifestsFollowTheFlags(t *testing.T) {
	d := deployment(t, manifests(t, nil, "--workers=9", "--log-format=text", "--kubeconfig=/mine"))
	require.Equal(t, []string{"--workers=9", "--log-format=text"}, d.Spec.Template.Spec.Containers[0].Args)
	require.Equal(t, int32(2), *d.Spec.Replicas)
	require.False(t, *d.Spec.Template.Spec.EnableServiceLinks, "a Service shop-operator-webhook sets SHOP_OPERATOR_WEBHOOK_PORT")
	require.Equal(t, appsv1.DeploymentStrategyType(""), d.Spec.Strategy.Type)

	d = deployment(t, manifests(t, &Options{Image: "registry.example.com/shop:v1"}, "--leader-elect=false"))
	require.Equal(t, int32(1), *d.Spec.Replicas, "two would both work")
	require.Equal(t, appsv1.RecreateDeploymentStrategyType, d.Spec.Strategy.Type)
	require.Equal(t, "registry.example.com/shop:v1", d.Spec.Template.Spec.Containers[0].Image)
	require.NotContains(t, string(manifests(t, nil, "--leader-elect=false")["base/rbac.yaml"]), "leases")

	files := manifests(t, nil, "--metrics-addr=:9000", "--health-addr=:9001")
	pod := deployment(t, files).Spec.Template.Spec.Containers[0]
	require.Equal(t, []corev1.ContainerPort{{Name: "health", ContainerPort: 9001}, {Name: "metrics", ContainerPort: 9000}}, pod.Ports)
	require.Equal(t, "/readyz", pod.ReadinessProbe.HTTPGet.Path)
	require.Equal(t, "/livez", pod.LivenessProbe.HTTPGet.Path)
	policy := the[*networkingv1.NetworkPolicy](t, files["base/networkpolicy.yaml"])
	require.Len(t, policy.Spec.Ingress, 1)
	require.Equal(t, int32(9000), policy.Spec.Ingress[0].Ports[0].Port.IntVal)
	require.Equal(t, int32(9000), the[*corev1.Service](t, files["base/service.yaml"]).Spec.Ports[0].Port)
}

// What nobody outside of the Pod can reach has no port, no probe and no monitor.
func TestManifestsOfAnOperatorThatServesNothing(t *testing.T) {
	for _, args := range [][]string{{"--metrics-addr=0", "--health-addr=0"}, {"--metrics-addr=127.0.0.1:1", "--health-addr=localhost:2"}} {
		files := manifests(t, nil, args...)
		pod := deployment(t, files).Spec.Template.Spec.Containers[0]
		require.Empty(t, pod.Ports)
		require.Nil(t, pod.ReadinessProbe)
		require.Nil(t, pod.LivenessProbe)
		require.Empty(t, the[*networkingv1.NetworkPolicy](t, files["base/networkpolicy.yaml"]).Spec.Ingress)
		require.NotContains(t, files, "base/service.yaml")
		require.NotContains(t, string(files["base/kustomization.yaml"]), "service.yaml")
		for path := range files {
			require.False(t, strings.HasPrefix(path, "monitoring/"), path)
		}
	}
	require.NotContains(t, string(manifests(t, nil, "--metrics-addr=0")["base/rbac.yaml"]), "tokenreviews")
	require.Contains(t, string(manifests(t, nil, "--metrics-addr=127.0.0.1:1")["base/rbac.yaml"]), "tokenreviews", "who is in the Pod needs a token, too")
	same := deployment(t, manifests(t, nil, "--metrics-addr=:80", "--health-addr=:80", "--metrics-secure=false")).Spec.Template.Spec.Containers[0]
	require.Equal(t, []corev1.ContainerPort{{Name: "metrics", ContainerPort: 80}}, same.Ports)
	require.Equal(t, int32(80), same.LivenessProbe.HTTPGet.Port.IntVal)
	require.Empty(t, same.LivenessProbe.HTTPGet.Scheme)
	for _, name := range []string{"default", "kube-system"} {
		_, err := Manifests(theName, nil, shops, &Options{Namespace: name})
		require.ErrorContains(t, err, "needs a namespace of its own", "it would be restricted, and be deleted with the operator")
	}
	cert := deployment(t, manifests(t, nil, "--metrics-cert-dir=/certs")).Spec.Template.Spec
	require.Equal(t, "/certs", cert.Containers[0].VolumeMounts[0].MountPath)
	require.Equal(t, "shop-operator-metrics-cert", cert.Volumes[0].Secret.SecretName)
	_, err := Manifests(theName, []string{"--metrics-addr=:metrics"}, shops, nil)
	require.ErrorContains(t, err, `the port of the address ":metrics" must be a number`)
	require.NotContains(t, string(manifests(t, nil, "--metrics-secure=false")["monitoring/servicemonitor.yaml"]), "https")
}

// Kills: an operator of two namespaces that gets rights in all.
func TestS5ManifestsOfAnOperatorOfNamespaces(t *testing.T) {
	files := manifests(t, nil, "--namespaces=red,2024,null", "--leader-elect-namespace=leases")
	require.Equal(t, []string{"--namespaces=red,2024,null", "--leader-elect-namespace=leases"}, deployment(t, files).Spec.Template.Spec.Containers[0].Args)
	var in []string
	for _, obj := range documents(t, files["base/rbac.yaml"]) {
		switch b := obj.(type) {
		case *rbacv1.ClusterRoleBinding:
			require.Equal(t, "shop-operator-metrics-auth", b.Name)
		case *rbacv1.RoleBinding:
			in = append(in, b.Namespace+"/"+b.RoleRef.Name)
		}
	}
	require.Equal(t, []string{"red/shop-operator", "2024/shop-operator", "null/shop-operator", "leases/shop-operator-leader-election"}, in)
}

// Each file that a kustomization names is there, and each file is named.
func TestManifestsAreComplete(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Run(t.Context(), theName, []string{"--manifests", dir}, shops, &Options{CRDs: []byte("kind: CustomResourceDefinition\n")}, io.Discard))
	for _, folder := range []string{"base", "monitoring", "uninstall"} {
		text, err := os.ReadFile(filepath.Join(dir, folder, "kustomization.yaml"))
		require.NoError(t, err)
		entries, err := os.ReadDir(filepath.Join(dir, folder))
		require.NoError(t, err)
		for _, e := range entries {
			require.True(t, e.Name() == "kustomization.yaml" || strings.Contains(string(text), "\n- "+e.Name()+"\n"), "%s: %s", folder, e.Name())
		}
		_, list, _ := strings.Cut(string(text), "resources:\n")
		for line := range strings.Lines(list) {
			_, err := os.Stat(filepath.Join(dir, folder, strings.TrimSpace(strings.TrimPrefix(line, "- "))))
			require.NoError(t, err)
		}
	}
	crds, err := os.ReadFile(filepath.Join(dir, "base", "crds.yaml"))
	require.NoError(t, err)
	require.Equal(t, "kind: CustomResourceDefinition\n", string(crds))
	require.ErrorContains(t, Run(t.Context(), theName, []string{"--manifests", filepath.Join(dir, "base", "crds.yaml")}, shops, nil, io.Discard), "write manifests")
}

func TestTextsThatYAMLCouldMistakeAreQuoted(t *testing.T) {
	require.Equal(t, []string{`""`, "configmaps/status", `"*"`, `"no"`, "/metrics", `"1"`, `"Shop"`},
		quoted([]string{"", "configmaps/status", "*", "no", "/metrics", "1", "Shop"}))
}

// Kills: rights that depend on flags and that the manifests lack; those of one process in another.
func TestS1RightsThatDependOnFlags(t *testing.T) {
	right := func(resource, verb string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{resource}, Verbs: []string{verb}}
	}
	opts := &Options{Rules: append(make([]rbacv1.PolicyRule, 0, 2), right("secrets", "get"))}
	for _, resource := range []string{"pods", "services"} {
		files, err := Manifests(theName, nil, func(p *Process) error { p.Allow(right(resource, "delete")); return shops(p) }, opts)
		require.NoError(t, err)
		role := the[*rbacv1.ClusterRole](t, files["base/rbac.yaml"])
		require.Contains(t, role.Rules, right("secrets", "get"))
		require.Contains(t, role.Rules, right(resource, "delete"))
		require.Equal(t, resource == "services", !strings.Contains(string(files["base/rbac.yaml"]), "pods"))
	}
	require.Len(t, opts.Rules, 1)
}
