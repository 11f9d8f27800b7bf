package controller_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// children returns an informer of the server's ConfigMaps and a repository of them.
func (b *harness) children() (*informer.Informer[*corev1.ConfigMap], *repository.Live[*corev1.ConfigMap]) {
	b.t.Helper()
	repo := repository.FromClient(b.Clientset, corev1.SchemeGroupVersion.WithKind("ConfigMap"), b.Clientset.CoreV1().ConfigMaps)
	in, err := informer.New(repo, nil)
	require.NoError(b.t, err)
	return in, repo
}

func child(name string, refs ...metav1.OwnerReference) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, OwnerReferences: refs}}
}

// Kills: owners that are found by name alone, or in any namespace.
func TestS5OwnsMapsByGroupKindAndUID(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.make()
		controller.Owns(b.c, in)
		b.run()
		b.settle(time.Minute)
		owner := b.live("a")
		good := metav1.OwnerReference{APIVersion: "apps/v2", Kind: "Deployment", Name: "a", UID: owner.UID, Controller: new(true)}
		for name, change := range map[string]func(*metav1.OwnerReference){
			"not the controller": func(r *metav1.OwnerReference) { r.Controller = nil },
			"another kind":       func(r *metav1.OwnerReference) { r.Kind = "ReplicaSet" },
			"another group":      func(r *metav1.OwnerReference) { r.APIVersion = "extensions/v1" },
			"another UID":        func(r *metav1.OwnerReference) { r.UID = "of a deleted one" },
			"another name":       func(r *metav1.OwnerReference) { r.Name = "b" },
		} {
			ref := good
			change(&ref)
			_, err := repo.Create(b.t.Context(), child("stranger", ref))
			require.NoError(t, err)
			require.Empty(t, b.settle(time.Minute), name)
			b.write(repo, "stranger", nil)
			require.Empty(t, b.settle(time.Minute), name)
		}
		elsewhere := child("elsewhere", good)
		elsewhere.Namespace = "other"
		_, err := repo.Create(b.t.Context(), elsewhere)
		require.NoError(t, err)
		require.Empty(t, b.settle(time.Minute), "another namespace")

		created, err := repo.Create(b.t.Context(), child("c", good))
		require.NoError(t, err, "any version of the group")
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		changed := created.DeepCopy()
		changed.Data = map[string]string{"k": "v"}
		changed, err = repo.Update(b.t.Context(), created, changed)
		require.NoError(t, err)
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		require.NoError(t, repo.Delete(b.t.Context(), changed))
		deletion := strconv.FormatUint(b.RV(), 10)
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "a child that somebody deletes")

		attempts := b.took()
		require.Equal(t, controller.Reason{
			Verb: controller.VerbDeleted, Kind: schema.GroupKind{Kind: "ConfigMap"}, Key: nsName("c"), ResourceVersion: deletion,
		}, attempts[len(attempts)-1].Reasons[0])
	}, newDeployment("a"))
}

// TestG9OneEventIsOneReason has a mapping that names a key many times.
func TestG9OneEventIsOneReason(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.make()
		controller.Watches(b.c, in, func(_, _ *corev1.ConfigMap) []types.NamespacedName {
			return slices.Repeat([]types.NamespacedName{nsName("a"), nsName("b")}, 5)
		})
		b.run()
		b.settle(time.Minute)
		b.took()
		_, err := repo.Create(b.t.Context(), child("c"))
		require.NoError(t, err)
		b.settle(time.Minute)
		attempts := b.took()
		require.Len(t, attempts, 2)
		for _, a := range attempts {
			require.Len(t, a.Reasons, 1)
		}
	}, newDeployment("a"), newDeployment("b"))
}

// Kills: a mapping that is asked about the new state only.
func TestG8WatchesReconcilesWhatAnObjectLeft(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.make()
		controller.Watches(b.c, in, func(before, after *corev1.ConfigMap) []types.NamespacedName {
			var keys []types.NamespacedName
			for _, cm := range []*corev1.ConfigMap{before, after} {
				if cm != nil && cm.Data["for"] != "" {
					keys = append(keys, nsName(cm.Data["for"]))
				}
			}
			return keys
		})
		b.run()
		b.settle(time.Minute)
		cm := child("c")
		cm.Data = map[string]string{"for": "a"}
		created, err := repo.Create(b.t.Context(), cm)
		require.NoError(t, err)
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		moved := created.DeepCopy()
		moved.Data["for"] = "b"
		moved, err = repo.Update(b.t.Context(), created, moved)
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"apply a", "apply b"}, b.settle(time.Minute))
		require.NoError(t, repo.Delete(b.t.Context(), moved))
		require.Equal(t, []string{"apply b"}, b.settle(time.Minute))
	}, newDeployment("a"), newDeployment("b"))
}

// slow is a repository of ConfigMaps whose lists take a minute.
type slow struct {
	repository.Repository[*corev1.ConfigMap]
}

func (s slow) ListerWatcher() cache.ListerWatcher {
	inner := cache.ToListerWatcherWithContext(s.Repository.ListerWatcher())
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			time.Sleep(time.Minute)
			return inner.ListWithContext(ctx, opts)
		},
		WatchFuncWithContext: inner.WatchWithContext,
	}, noWatchList{})
}

// Kills: workers that start before the caches are full.
func TestG8WorkBeginsWhenAllCachesAreFull(t *testing.T) {
	inBubble(t, func(b *harness) {
		_, repo := b.children()
		_, err := repo.Create(b.t.Context(), child("c"))
		require.NoError(t, err)
		in, err := informer.New(slow{repo}, nil)
		require.NoError(t, err)
		seen := -1
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			all, err := in.List(ctx)
			seen = len(all)
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Owns(b.c, in)
		require.ErrorContains(t, b.c.Ready(), "does not run")
		b.run()
		require.Empty(t, b.settle(30*time.Second))
		require.ErrorContains(t, b.c.Ready(), "not all caches are full")
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		require.Equal(t, 1, seen)
		require.NoError(t, b.c.Ready())
	}, newDeployment("a"))
}

func TestResyncOfAnotherKind(t *testing.T) {
	inBubble(t, func(b *harness) {
		_, repo := b.children()
		_, err := repo.Create(b.t.Context(), child("c"))
		require.NoError(t, err)
		in, err := informer.New(repo, &informer.Options{Resync: time.Hour})
		require.NoError(t, err)
		b.make()
		controller.Watches(b.c, in, func(_, _ *corev1.ConfigMap) []types.NamespacedName { return []types.NamespacedName{nsName("a")} })
		b.run()
		b.settle(time.Minute)
		b.took()
		require.Equal(t, []string{"apply a"}, b.settle(time.Hour))
		require.Equal(t, controller.VerbResync, b.took()[0].Reasons[0].Verb)
	}, newDeployment("a"))
}

// Kills: a panic in a mapping that takes the process down.
func TestG12PanicOfAMapping(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.make()
		controller.Watches(b.c, in, func(_, after *corev1.ConfigMap) []types.NamespacedName {
			if after.Name == "bad" {
				panic("in the mapping")
			}
			return []types.NamespacedName{nsName("a")}
		})
		b.run()
		b.settle(time.Minute)
		b.took()
		for _, name := range []string{"bad", "good"} {
			_, err := repo.Create(b.t.Context(), child(name))
			require.NoError(t, err)
		}
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "the other changes are mapped")
		troubles := b.troubled()
		require.Equal(t, kerr.OpMap, troubles[0].Op)
		require.Equal(t, nsName("bad"), troubles[0].Key)
		require.Equal(t, kerr.ClassPanic, kerr.ClassOf(troubles[0].Err))
	}, newDeployment("a"))
}

// TestSharedInformer has two controllers over one informer, which runs as long as
// one of them does.
func TestSharedInformer(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		_, err := repo.Create(b.t.Context(), child("c"))
		require.NoError(t, err)
		toA := func(_, _ *corev1.ConfigMap) []types.NamespacedName { return []types.NamespacedName{nsName("a")} }
		b.make()
		controller.Watches(b.c, in, toA)
		b.run()
		stopFirst, firstDone := b.stop, b.done
		b.make()
		controller.Watches(b.c, in, toA)
		b.run()
		b.settle(time.Minute)
		stopFirst()
		require.NoError(t, <-firstDone)
		_, ok := in.View(nsName("c"))
		require.True(t, ok, "the second controller keeps it running")
		_, err = repo.Create(b.t.Context(), child("d"))
		require.NoError(t, err)
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		lists := 0
		for _, r := range b.Requests() {
			if r.fills("configmaps") {
				lists++
			}
		}
		require.Equal(t, 2, lists, "one filled the cache, and one told the second controller that it is fresh")
	}, newDeployment("a"))
}

func TestRequiredRules(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, _ := b.children()
		b.make()
		controller.Owns(b.c, in)
		rules := b.c.RequiredRules()
		require.Len(t, rules, 3)
		require.Equal(t, []string{"deployments"}, rules[0].Resources)
		require.Equal(t, []string{"get", "list", "watch", "patch"}, rules[0].Verbs)
		require.Equal(t, []string{"deployments/status"}, rules[1].Resources)
		require.Equal(t, []string{"configmaps"}, rules[2].Resources)
		require.Equal(t, []string{"list", "watch"}, rules[2].Verbs)
	})
}

// Kills: the right to write a status that nobody writes.
func TestS1RequiredRulesWithoutAStatus(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.NoStatus = true
		b.make()
		rules := b.c.RequiredRules()
		require.Len(t, rules, 1)
		require.Equal(t, []string{"deployments"}, rules[0].Resources)
	})
}
