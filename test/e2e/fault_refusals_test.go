package e2e_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/test/cluster"
)

// noted is a status that shows the last error.
type noted struct {
	WidgetStatus `json:",inline"`
}

func (n *noted) ObserveError(err error) {
	n.Note = ""
	if err != nil {
		n.Note = err.Error()
	}
}

// refusal is a reason of the server to refuse a child.
type refusal struct {
	gvr   schema.GroupVersionResource
	kind  string // of the child
	field string // of the child, which has the text of the widget in it
	then  string // what the text becomes, if the first one is accepted
	class kerr.Class
	says  string
	raise func(t *testing.T, w *world) // the obstacle
	lift  func(t *testing.T, w *world)
}

var refusals = map[string]refusal{
	"an immutable field": {
		gvr: relics, kind: "Relic", field: "spec", then: "b",
		class: kerr.ClassInvalid, says: "text is immutable",
		raise: installRelics,
		lift: func(t *testing.T, w *world) { // as a person would do it
			require.NoError(t, w.dynamic().Resource(relics).Namespace(w.namespace).Delete(t.Context(), "w", metav1.DeleteOptions{}))
		},
	},
	"a schema, with 100 KiB of text": {
		gvr: relics, kind: "Relic", field: "spec", then: strings.Repeat("x", 100<<10),
		class: kerr.ClassInvalid, says: "Unsupported value",
		raise: installRelics,
		lift: func(t *testing.T, w *world) {
			_, err := w.merge(w.widget("w"), `{"spec":{"text":"a"}}`)
			require.NoError(t, err)
		},
	},
	"an admission policy": {
		gvr: configMaps, kind: "ConfigMap", field: "data",
		class: kerr.ClassInvalid, says: "no maps today",
		raise: func(_ *testing.T, w *world) { w.policy(metav1.StatusReasonInvalid) },
		lift:  func(_ *testing.T, w *world) { w.noPolicy() },
	},
	"an admission policy that forbids": {
		gvr: configMaps, kind: "ConfigMap", field: "data",
		class: kerr.ClassForbidden, says: "no maps today",
		raise: func(_ *testing.T, w *world) { w.policy(metav1.StatusReasonForbidden) },
		lift:  func(_ *testing.T, w *world) { w.noPolicy() },
	},
	"a quota": {
		gvr: configMaps, kind: "ConfigMap", field: "data",
		class: kerr.ClassForbidden, says: "exceeded quota",
		raise: func(_ *testing.T, w *world) {
			w.quota("0")
			w.untilRefused(configMaps, "ConfigMap", "data")
		},
		lift: func(_ *testing.T, w *world) { w.quota("5") },
	},
}

// relics have a text that is one of two, and never changes.
var relics = group.WithResource("relics")

func installRelics(t *testing.T, _ *world) {
	plain := definition(relics, "Relic", false)
	ruled := bytes.Replace(plain, []byte(`"text":{`), []byte(`"text":{"enum":["a","b"],"x-kubernetes-validations":[{"rule":"self == oldSelf","message":"text is immutable"}],`), 1)
	require.NoError(t, cluster.InstallCRDs(t.Context(), shared.Config(), ruled))
}

func (w *world) dynamic() dynamic.Interface {
	w.t.Helper()
	client, err := dynamic.NewForConfig(w.cfg)
	require.NoError(w.t, err)
	return client
}

// untilRefused waits until the server knows its own rules.
func (w *world) untilRefused(gvr schema.GroupVersionResource, kind, field string) {
	w.t.Helper()
	try := &unstructured.Unstructured{Object: map[string]any{"apiVersion": gvr.GroupVersion().String(), "kind": kind, field: map[string]any{"text": "?"}}}
	try.SetName("try")
	refused := func(ctx context.Context) (bool, error) {
		_, err := w.dynamic().Resource(gvr).Namespace(w.namespace).Create(ctx, try, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return apierrors.IsForbidden(err) || apierrors.IsInvalid(err), nil
	}
	require.NoError(w.t, wait.PollUntilContextTimeout(w.t.Context(), 10*time.Millisecond, time.Minute, true, refused))
}

// policy denies ConfigMaps in the namespace.
func (w *world) policy(reason metav1.StatusReason) {
	w.t.Helper()
	here := &admissionregistrationv1.MatchResources{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: w.namespace}},
		ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.OperationAll},
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
		}}},
	}
	name := metav1.ObjectMeta{Name: w.namespace + ".example.com"}
	_, err := w.admin.AdmissionregistrationV1().ValidatingAdmissionPolicies().Create(w.t.Context(), &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: name,
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: here,
			Validations:      []admissionregistrationv1.Validation{{Expression: "false", Message: "no maps today", Reason: &reason}},
		},
	}, metav1.CreateOptions{})
	require.NoError(w.t, err)
	_, err = w.admin.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().Create(w.t.Context(), &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: name,
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: name.Name, ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		},
	}, metav1.CreateOptions{})
	require.NoError(w.t, err)
	w.untilRefused(configMaps, "ConfigMap", "data")
}

func (w *world) noPolicy() {
	w.t.Helper()
	name := w.namespace + ".example.com"
	require.NoError(w.t, w.admin.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().Delete(w.t.Context(), name, metav1.DeleteOptions{}))
	require.NoError(w.t, w.admin.AdmissionregistrationV1().ValidatingAdmissionPolicies().Delete(w.t.Context(), name, metav1.DeleteOptions{}))
}

// quota allows so many ConfigMaps. Nobody here but the test writes its status.
func (w *world) quota(hard string) {
	w.t.Helper()
	limit := corev1.ResourceList{corev1.ResourceConfigMaps: resource.MustParse(hard)}
	quotas := w.admin.CoreV1().ResourceQuotas(w.namespace)
	quota, err := quotas.Get(w.t.Context(), "q", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		quota, err = quotas.Create(w.t.Context(), &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q"}}, metav1.CreateOptions{})
	}
	require.NoError(w.t, err)
	quota.Spec.Hard = limit
	quota, err = quotas.Update(w.t.Context(), quota, metav1.UpdateOptions{})
	require.NoError(w.t, err)
	quota.Status = corev1.ResourceQuotaStatus{Hard: limit, Used: corev1.ResourceList{corev1.ResourceConfigMaps: resource.MustParse("0")}}
	_, err = quotas.UpdateStatus(w.t.Context(), quota, metav1.UpdateOptions{})
	require.NoError(w.t, err)
}
