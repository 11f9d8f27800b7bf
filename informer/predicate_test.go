package informer_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/informer"
)

func TestG8Predicates(t *testing.T) {
	type predicates struct{ changed, generation, labels, annotations, lifecycle bool }
	for name, c := range map[string]struct {
		change func(*appsv1.Deployment)
		want   predicates
	}{
		"nothing":       {func(d *appsv1.Deployment) { d.ResourceVersion = "1" }, predicates{}},
		"status":        {func(d *appsv1.Deployment) { d.Status.Replicas = 3 }, predicates{}},
		"managedFields": {func(d *appsv1.Deployment) { d.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "m"}} }, predicates{}},
		"generation":    {func(d *appsv1.Deployment) { d.Generation++ }, predicates{changed: true, generation: true}},
		"labels":        {func(d *appsv1.Deployment) { d.Labels = map[string]string{"a": "b"} }, predicates{changed: true, labels: true}},
		"annotations":   {func(d *appsv1.Deployment) { d.Annotations = map[string]string{"a": "b"} }, predicates{changed: true, annotations: true}},
		"owners":        {func(d *appsv1.Deployment) { d.OwnerReferences = []metav1.OwnerReference{{Name: "o"}} }, predicates{changed: true}},
		"finalizers":    {func(d *appsv1.Deployment) { d.Finalizers = []string{"example.com/x"} }, predicates{changed: true, lifecycle: true}},
		"deletion":      {func(d *appsv1.Deployment) { d.DeletionTimestamp = &metav1.Time{} }, predicates{changed: true, lifecycle: true}},
		"another UID":   {func(d *appsv1.Deployment) { d.UID = "other" }, predicates{changed: true, lifecycle: true}},
		"no generation": {func(d *appsv1.Deployment) { d.Generation = 0 }, predicates{changed: true, generation: true}},
	} {
		t.Run(name, func(t *testing.T) {
			before := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{UID: "u", ResourceVersion: "1", Generation: 1}}
			after := before.DeepCopy()
			after.ResourceVersion = "2"
			c.change(after)
			require.Equal(t, c.want, predicates{
				informer.Changed(before, after), informer.GenerationChanged(before, after), informer.LabelsChanged(before, after),
				informer.AnnotationsChanged(before, after), informer.LifecycleChanged(before, after),
			})
			require.True(t, informer.Changed(nil, after), "new")
			require.True(t, informer.GenerationChanged(nil, after), "new")
			require.True(t, informer.LifecycleChanged(nil, after), "new")
		})
	}
}
