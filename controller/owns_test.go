package controller_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
)

// ownedBy returns the owner references of a child of these Deployments, of which the first is its
// controller.
func (b *harness) ownedBy(names ...string) []metav1.OwnerReference {
	b.t.Helper()
	var refs []metav1.OwnerReference
	for n, name := range names {
		refs = append(refs, metav1.OwnerReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name, UID: b.live(name).UID, Controller: new(n == 0)})
	}
	return refs
}

// Kills: owners that are not the controller and hear nothing of their children.
func TestS5OwnsSharedMapsToEveryOwner(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.make()
		controller.OwnsShared(b.c, in)
		b.run()
		b.settle(time.Minute)
		good := b.ownedBy("a", "b")
		for what, change := range map[string]func(*metav1.OwnerReference){
			"another kind":  func(r *metav1.OwnerReference) { r.Kind = "ReplicaSet" },
			"another group": func(r *metav1.OwnerReference) { r.APIVersion = "extensions/v1" },
			"another UID":   func(r *metav1.OwnerReference) { r.UID = "of a deleted one" },
			"another name":  func(r *metav1.OwnerReference) { r.Name = "c" },
		} {
			ref := good[1]
			change(&ref)
			b.write(repo, "stranger", func(cm *corev1.ConfigMap) { cm.OwnerReferences = []metav1.OwnerReference{ref} })
			require.Empty(t, b.settle(time.Minute), what)
			b.write(repo, "stranger", nil)
			require.Empty(t, b.settle(time.Minute), what)
		}
		b.write(repo, "shared", func(cm *corev1.ConfigMap) { cm.OwnerReferences = good })
		require.ElementsMatch(t, []string{"apply a", "apply b"}, b.settle(time.Minute))
		b.write(repo, "shared", func(cm *corev1.ConfigMap) { cm.OwnerReferences = good[1:] })
		require.ElementsMatch(t, []string{"apply a", "apply b"}, b.settle(time.Minute), "it left one of them")
		b.write(repo, "shared", nil)
		require.Equal(t, []string{"apply b"}, b.settle(time.Minute))
	}, newDeployment("a"), newDeployment("b"), newDeployment("c"))
}

// Kills: predicates of Owns, OwnsShared and Watches that are not asked, or that hide what comes and goes.
func TestPredicatesOfSecondaryKinds(t *testing.T) {
	for what, wire := range map[string]func(*harness, *informer.Informer[*corev1.ConfigMap]){
		"Owns": func(b *harness, in *informer.Informer[*corev1.ConfigMap]) {
			controller.Owns(b.c, in, informer.LabelsChanged[*corev1.ConfigMap], informer.AnnotationsChanged[*corev1.ConfigMap])
		},
		"OwnsShared": func(b *harness, in *informer.Informer[*corev1.ConfigMap]) {
			controller.OwnsShared(b.c, in, informer.LabelsChanged[*corev1.ConfigMap], informer.AnnotationsChanged[*corev1.ConfigMap])
		},
		"Watches": func(b *harness, in *informer.Informer[*corev1.ConfigMap]) {
			controller.Watches(b.c, in, toA, informer.LabelsChanged[*corev1.ConfigMap], informer.AnnotationsChanged[*corev1.ConfigMap])
		},
	} {
		t.Run(what, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				in, repo := b.children()
				b.make()
				wire(b, in)
				b.run()
				b.settle(time.Minute)
				owners := b.ownedBy("a")
				b.write(repo, "c", func(cm *corev1.ConfigMap) { cm.OwnerReferences = owners })
				require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "it is new")
				b.write(repo, "c", data("k", "v"))
				require.Empty(t, b.settle(time.Minute), "no predicate holds")
				b.write(repo, "c", func(cm *corev1.ConfigMap) { cm.Labels = map[string]string{"k": "v"} })
				require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "the first holds")
				b.write(repo, "c", func(cm *corev1.ConfigMap) { cm.Annotations = map[string]string{"k": "v"} })
				require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "the second holds")
				b.write(repo, "c", nil)
				require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "it is gone")
			}, newDeployment("a"))
		})
	}
}

func toA(_, _ *corev1.ConfigMap) []types.NamespacedName { return []types.NamespacedName{nsName("a")} }
