package sim_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/test/sim"
)

// foreign is a type that a program adds to client-go's scheme: by importing envtest, the type of
// CustomResourceDefinitions; by itself, those of its own kinds.
type foreign struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
}

func (f *foreign) DeepCopyObject() runtime.Object { return new(*f) }

// It is there before the first server is made, also before those of variables.
var _ = func() bool {
	scheme.Scheme.AddKnownTypeWithName(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}, &foreign{})
	scheme.Scheme.AddKnownTypeWithName(schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Thing"}, &foreign{})
	return true
}()

// What else is in client-go's scheme is no kind of Kubernetes, and hides no kind of a definition.
func TestAllCoreIsOfKubernetes(t *testing.T) {
	srv, err := sim.New(sim.Options{Kinds: append(sim.CRD([]byte(thing)), sim.AllCore()...)})
	require.NoError(t, err)
	defer srv.Close()
	one := object("Thing", "one", map[string]any{"apiVersion": "example.com/v1", "spec": map[string]any{"size": int64(1)}})
	require.NoError(t, srv.Load(one))
	for _, o := range srv.Objects() {
		switch o.GetKind() {
		case "Thing":
			require.Equal(t, one.Object["spec"], o.Object["spec"])
		case "CustomResourceDefinition":
			require.Contains(t, o.Object, "spec")
		}
	}
}

func TestStableCore(t *testing.T) {
	names := map[string]bool{}
	for _, kind := range sim.StableCore() {
		names[kind.GroupKind().String()] = true
	}
	require.True(t, names["Pod"] && names["Deployment.apps"] && names["Event.events.k8s.io"])
	require.False(t, names["Deployment.extensions"] || names["StorageVersion.internal.apiserver.k8s.io"] || names["Scale.apps"])
}
