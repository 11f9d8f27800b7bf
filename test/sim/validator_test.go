package sim_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/dynamic"

	"github.com/kuberator/kuberator/test/sim"
)

// Rules are asked with the object and what it was, and their errors refuse the write.
func TestRules(t *testing.T) {
	rules := func(schema map[string]any) (sim.Validator, error) {
		require.Equal(t, "object", schema["type"])
		return func(_ context.Context, object, old map[string]any) field.ErrorList {
			if old == nil || object["spec"] == old["spec"] {
				return nil
			}
			return field.ErrorList{field.Invalid(field.NewPath("spec"), object["spec"], "it does not change")}
		}, nil
	}
	srv, err := sim.New(sim.Options{Kinds: sim.CRD([]byte(thing)), Rules: rules})
	require.NoError(t, err)
	defer srv.Close()
	things := dynamic.NewForConfigOrDie(srv.Config()).Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "things"}).Namespace("default")
	made, err := things.Create(t.Context(), object("Thing", "a", map[string]any{"apiVersion": "example.com/v1", "spec": "s"}), metav1.CreateOptions{})
	require.NoError(t, err)
	made.Object["spec"] = "other"
	_, err = things.Update(t.Context(), made, metav1.UpdateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	require.ErrorContains(t, err, `spec: Invalid value: "other": it does not change`)
	made.Object["spec"] = "s"
	made.SetLabels(map[string]string{"k": "v"})
	_, err = things.Update(t.Context(), made, metav1.UpdateOptions{})
	require.NoError(t, err)
}

// A definition whose rules are wrong is refused.
func TestWrongRules(t *testing.T) {
	_, err := sim.New(sim.Options{Kinds: sim.CRD([]byte(thing)), Rules: func(map[string]any) (sim.Validator, error) {
		return nil, errors.New("no such rule")
	}})
	require.ErrorContains(t, err, `spec.versions[0].schema.openAPIV3Schema: Invalid value: "": no such rule`)
}
