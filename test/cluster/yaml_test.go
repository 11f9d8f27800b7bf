//go:build unix

package cluster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/kuberator/kuberator/test/cluster"
)

const reader = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: NAMESPACE}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [list]}
---
# Nothing but a comment.
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: operator, namespace: NAMESPACE}
`

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.com
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer, minimum: 1}}}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
`

func widgetResource(version string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "example.com", Version: version, Resource: "widgets"}
}

func widget(version, name string, size int64) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/" + version,
		"kind":       "Widget",
		"metadata":   map[string]any{"name": name, "namespace": "default"},
		"spec":       map[string]any{"size": size},
	}}
}

func testInstallCRDs(t *testing.T, c *cluster.Cluster) {
	client, err := dynamic.NewForConfig(c.Config())
	require.NoError(t, err)
	gadgets := strings.NewReplacer("widget", "gadget", "Widget", "Gadget").Replace(widgets)

	require.NoError(t, cluster.InstallCRDs(t.Context(), c.Config(), []byte(widgets+"---"+gadgets)))
	// No wait: objects can be created at once.
	_, err = client.Resource(widgetResource("v1")).Namespace("default").Create(t.Context(), widget("v1", "first", 1), metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = client.Resource(widgetResource("v1")).Namespace("default").Create(t.Context(), widget("v1", "bad", 0), metav1.CreateOptions{})
	require.True(t, apierrors.IsInvalid(err), "the schema is enforced: %v", err)

	// A new version of a definition that is established already.
	another := strings.Replace(widgets, "  - name: v1\n    served: true\n    storage: true",
		"  - {name: v2, served: true, storage: false, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}\n"+
			"  - name: v1\n    served: true\n    storage: true", 1)
	require.NoError(t, cluster.InstallCRDs(t.Context(), c.Config(), []byte(another)))
	_, err = client.Resource(widgetResource("v2")).Namespace("default").Create(t.Context(), widget("v2", "second", 1), metav1.CreateOptions{})
	require.NoError(t, err)
}

func testInstallCRDErrors(t *testing.T, c *cluster.Cluster) {
	account, err := c.ServiceAccount(t.Context(), "default", "nobody")
	require.NoError(t, err)
	clash := strings.NewReplacer("widgets.example.com", "others.example.com", "plural: widgets", "plural: others").Replace(widgets)
	require.NoError(t, cluster.InstallCRDs(t.Context(), c.Config(), []byte(widgets)))

	for name, test := range map[string]struct{ document, want string }{
		"nothing":       {"---\n", "there are none in the documents"},
		"another kind":  {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}", "ConfigMap x is not a CustomResourceDefinition"},
		"not YAML":      {widgets + "---\n{", "document 2:"},
		"invalid":       {strings.Replace(widgets, "scope: Namespaced", "scope: Nowhere", 1), "installing CRD widgets.example.com: "},
		"names clash":   {clash, "waiting for CRD others.example.com: its names are not accepted: "},
		"no kind":       {"a: b", "document 1: it has no kind"},
		"no apiVersion": {"kind: CustomResourceDefinition\nmetadata: {name: x}", "CustomResourceDefinition x has no apiVersion"},
		"no name":       {"kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1", "has no name"},
	} {
		t.Run(name, func(t *testing.T) {
			err := cluster.InstallCRDs(t.Context(), c.Config(), []byte(test.document))
			require.ErrorContains(t, err, test.want)
		})
	}

	err = cluster.InstallCRDs(t.Context(), account, []byte(widgets))
	require.True(t, apierrors.IsForbidden(err), "%v", err)

	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	require.ErrorIs(t, cluster.InstallCRDs(late, c.Config(), []byte(widgets)), context.DeadlineExceeded)
}

func testApplyYAML(t *testing.T, c *cluster.Cluster) {
	const list = `{"apiVersion": "v1", "kind": "List", "items": [
		{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "applied"}},
		{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "applied"}, "data": {"a": "VALUE"}}]}`
	configMaps := clientFor(t, c.Config()).CoreV1().ConfigMaps("applied")
	for _, value := range []string{"1", "2"} {
		require.NoError(t, cluster.ApplyYAML(t.Context(), c.Config(), []byte(strings.Replace(list, "VALUE", value, 1))))
		one, err := configMaps.Get(t.Context(), "one", metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, value, one.Data["a"])
	}
}

func testApplyYAMLErrors(t *testing.T, c *cluster.Cluster) {
	for name, test := range map[string]struct{ document, want string }{
		"unknown kind":      {"apiVersion: example.org/v1\nkind: Unheard\nmetadata: {name: x}", "applying Unheard x: the server has no kind Unheard in example.org/v1"},
		"no namespace":      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}", "applying ConfigMap x: a ConfigMap is namespaced and this one names no namespace"},
		"missing namespace": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: nowhere}", `applying ConfigMap nowhere/x: namespaces "nowhere" not found`},
		"in a list":         {"apiVersion: v1\nkind: List\nitems: [{a: b}]", "document 1: it has no kind"},
	} {
		t.Run(name, func(t *testing.T) {
			err := cluster.ApplyYAML(t.Context(), c.Config(), []byte(test.document))
			require.ErrorContains(t, err, test.want)
		})
	}
}
