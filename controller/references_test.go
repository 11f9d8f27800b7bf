package controller_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// referring runs a controller whose Apply reads ConfigMaps as read does.
func (b *harness) referring(read func(context.Context, *informer.Informer[*corev1.ConfigMap], *deployment) error, anyOf ...informer.Predicate[*corev1.ConfigMap]) *repository.Live[*corev1.ConfigMap] {
	b.t.Helper()
	in, repo := b.children()
	require.NoError(b.t, in.AddIndex("color", func(cm *corev1.ConfigMap) []string { return []string{cm.Data["color"]} }))
	b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
		return controller.AwaitChange(), read(ctx, in, d)
	}
	b.make()
	controller.References(b.c, in, anyOf...)
	b.run()
	b.settle(time.Minute)
	return repo
}

// write creates, changes, or with nil deletes a ConfigMap.
func (b *harness) write(repo *repository.Live[*corev1.ConfigMap], name string, change func(*corev1.ConfigMap)) {
	b.t.Helper()
	ctx := b.t.Context()
	have, err := repo.Get(ctx, nsName(name))
	switch {
	case err != nil:
		have = child(name)
		change(have)
		_, err = repo.Create(ctx, have)
	case change == nil:
		err = repo.Delete(ctx, have)
	default:
		want := have.DeepCopy()
		change(want)
		_, err = repo.Update(ctx, have, want)
	}
	require.NoError(b.t, err)
}

func data(key, value string) func(*corev1.ConfigMap) {
	return func(cm *corev1.ConfigMap) { cm.Data = map[string]string{key: value} }
}

// Kills: reads that are not recorded, also those that found nothing.
func TestReferencesByName(t *testing.T) {
	inBubble(t, func(b *harness) {
		repo := b.referring(func(ctx context.Context, in *informer.Informer[*corev1.ConfigMap], d *deployment) error {
			if d.Name == "a" {
				if _, err := in.Get(ctx, nsName("c")); !apierrors.IsNotFound(err) {
					return err
				}
			}
			return nil
		})
		b.write(repo, "stranger", data("k", "v"))
		require.Empty(t, b.settle(time.Minute))
		b.write(repo, "c", data("k", "v"))
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "it was not there, and now it is")
		b.write(repo, "c", data("k", "w"))
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		b.write(repo, "c", nil)
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		attempts := b.took()
		require.Equal(t, controller.VerbDeleted, attempts[len(attempts)-1].Reasons[0].Verb)
		require.Equal(t, schema.GroupKind{Kind: "ConfigMap"}, attempts[len(attempts)-1].Reasons[0].Kind)
	}, newDeployment("a"), newDeployment("b"))
}

// Kills: an object that leaves a list unnoticed.
func TestReferencesByListAndIndex(t *testing.T) {
	inBubble(t, func(b *harness) {
		repo := b.referring(func(ctx context.Context, in *informer.Informer[*corev1.ConfigMap], d *deployment) error {
			var err error
			switch d.Name {
			case "a":
				_, err = in.List(ctx, informer.In("ns"), informer.Matching(labels.Set{"team": "a"}.AsSelector()))
			case "b":
				_, err = in.ByIndex(ctx, "color", "blue")
			case "c":
				_, err = in.List(ctx, informer.In("elsewhere"))
			}
			return err
		})
		b.write(repo, "x", data("color", "blue"))
		require.Equal(t, []string{"apply b"}, b.settle(time.Minute))
		b.write(repo, "x", data("color", "red"))
		require.Equal(t, []string{"apply b"}, b.settle(time.Minute), "it left")
		b.write(repo, "x", data("color", "green"))
		require.Empty(t, b.settle(time.Minute))
		b.write(repo, "x", func(cm *corev1.ConfigMap) { cm.Labels = map[string]string{"team": "a"} })
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		b.write(repo, "x", func(cm *corev1.ConfigMap) { cm.Labels = nil })
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "it left")
		b.write(repo, "x", nil)
		require.Empty(t, b.settle(time.Minute))
	}, newDeployment("a"), newDeployment("b"), newDeployment("c"))
}

// Kills: dependencies that are added and never dropped.
func TestReferencesAreThoseOfTheLastAttempt(t *testing.T) {
	inBubble(t, func(b *harness) {
		repo := b.referring(func(ctx context.Context, in *informer.Informer[*corev1.ConfigMap], d *deployment) error {
			if _, err := in.Get(ctx, nsName(d.Labels["reads"])); err != nil && !apierrors.IsNotFound(err) {
				return err
			}
			if _, err := in.ByIndex(ctx, "color", d.Labels["reads"]); err != nil {
				return err
			}
			_, err := in.List(ctx, informer.Matching(labels.Set{"team": d.Labels["reads"]}.AsSelector()))
			return err
		})
		b.edit("a", func(d *deployment) { d.Labels = map[string]string{"reads": "one"} })
		b.settle(time.Minute)
		b.edit("a", func(d *deployment) { d.Labels = map[string]string{"reads": "two"} })
		b.settle(time.Minute)
		for name, change := range map[string]func(*corev1.ConfigMap){
			"one": data("k", "v"), "by-index": data("color", "one"),
			"by-list": func(cm *corev1.ConfigMap) { cm.Labels = map[string]string{"team": "one"} },
		} {
			b.write(repo, name, change)
			require.Empty(t, b.settle(time.Minute), name)
		}
		b.write(repo, "two", data("k", "v"))
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		b.delete("a")
		b.settle(time.Minute)
		b.took()
		b.write(repo, "two", data("k", "w"))
		b.settle(time.Minute)
		require.Empty(t, b.took(), "an object that is gone reads nothing")
	}, newDeployment("a"))
}

// TestReferencesReadAndChangedAtOnce changes what was read before the attempt ended.
// Kills: dependencies that are entered after the attempt.
func TestReferencesReadAndChangedAtOnce(t *testing.T) {
	inBubble(t, func(b *harness) {
		var seen []string
		repo := b.referring(func(ctx context.Context, in *informer.Informer[*corev1.ConfigMap], _ *deployment) error {
			cm, err := in.Get(ctx, nsName("c"))
			if err != nil {
				return err
			}
			seen = append(seen, cm.Data["k"])
			time.Sleep(time.Minute)
			return nil
		})
		b.settle(time.Hour)
		b.c.Enqueue(nsName("a"))
		b.settle(time.Second)
		b.write(repo, "c", data("k", "new"))
		b.settle(time.Hour)
		require.Equal(t, []string{"old", "old", "new"}, seen)
	}, newDeployment("a"), func() *corev1.ConfigMap { cm := child("c"); data("k", "old")(cm); return cm }())
}

func TestReferencesWithPredicates(t *testing.T) {
	inBubble(t, func(b *harness) {
		repo := b.referring(func(ctx context.Context, in *informer.Informer[*corev1.ConfigMap], _ *deployment) error {
			_, err := in.List(ctx)
			return err
		}, informer.LabelsChanged[*corev1.ConfigMap])
		b.write(repo, "c", data("k", "v"))
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		b.write(repo, "c", data("k", "w"))
		require.Empty(t, b.settle(time.Minute))
		b.write(repo, "c", func(cm *corev1.ConfigMap) { cm.Labels = map[string]string{"k": "v"} })
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		b.write(repo, "c", nil)
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
	}, newDeployment("a"))
}

// Kills: a predicate whose panic loses the change.
func TestG12PanicOfAPredicateOfReferences(t *testing.T) {
	inBubble(t, func(b *harness) {
		repo := b.referring(func(ctx context.Context, in *informer.Informer[*corev1.ConfigMap], _ *deployment) error {
			_, err := in.List(ctx)
			return err
		}, func(_, after *corev1.ConfigMap) bool {
			if after.Data["k"] == "bad" {
				panic("in the predicate")
			}
			return true
		})
		b.write(repo, "c", data("k", "v"))
		b.settle(time.Minute)
		b.took()
		b.write(repo, "c", data("k", "bad"))
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "it hides nothing")
		require.True(t, slices.ContainsFunc(b.troubled(), ofOp(kerr.OpFilter)))
		b.write(repo, "c", data("k", "good"))
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
	}, newDeployment("a"))
}

// Kills: an apply that is sent again although nothing changed, or is not although
// something did.
func TestApplyThatChangesNothingIsNotSentTwice(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		value := "1"
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			cm := child("c", metav1.OwnerReference{APIVersion: "apps/v1", Kind: "Deployment", Name: d.Name, UID: d.UID, Controller: new(true)})
			data("k", value)(cm)
			got, err := repo.Apply(ctx, cm, "me")
			if err == nil {
				require.Equal(t, value, got.Data["k"])
			}
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Owns(b.c, in)
		b.run()
		applies := func() int { b.settle(time.Minute); return b.patches() }
		base := applies()
		for range 5 {
			b.c.Enqueue(nsName("a"))
			require.Equal(t, base, applies(), "nothing changed")
		}
		b.write(repo, "c", func(cm *corev1.ConfigMap) { cm.Data = nil }) // another value would be a conflict
		require.Equal(t, base+2, applies(), "the drift, and its repair")
		require.Equal(t, "1", liveChild(b, repo).Data["k"])
		value = "2"
		b.c.Enqueue(nsName("a"))
		require.Equal(t, base+3, applies())
		b.write(repo, "c", nil)
		require.Equal(t, base+4, applies(), "it is gone, and made again")
		require.Equal(t, "2", liveChild(b, repo).Data["k"])
	}, newDeployment("a"))
}

func liveChild(b *harness, repo *repository.Live[*corev1.ConfigMap]) *corev1.ConfigMap {
	b.t.Helper()
	got, err := repo.Get(b.t.Context(), nsName("c"))
	require.NoError(b.t, err)
	return got
}

// Kills: lists that are told apart by the text of their selector.
func TestReferencesOfSelectorsWithTheSameText(t *testing.T) {
	for what, of := range map[string][2]labels.Selector{
		"nothing and everything": {labels.Nothing(), labels.Everything()},
		"another's value":        {labels.Set{"team": "x,tier=y"}.AsSelector(), labels.Set{"team": "x", "tier": "y"}.AsSelector()},
	} {
		inBubble(t, func(b *harness) {
			repo := b.referring(func(ctx context.Context, in *informer.Informer[*corev1.ConfigMap], d *deployment) error {
				if d.Name == "a" {
					_, err := in.List(ctx, informer.Matching(of[0]))
					return err
				}
				time.Sleep(time.Second) // second
				_, err := in.List(ctx, informer.Matching(of[1]))
				return err
			})
			b.write(repo, "c", func(cm *corev1.ConfigMap) { cm.Labels = map[string]string{"team": "x", "tier": "y"} })
			require.Equal(t, []string{"apply b"}, b.settle(time.Minute), what)
		}, newDeployment("a"), newDeployment("b"))
	}
}

// Kills: a value of an index that is left and takes a list with it.
func TestReferencesOfAnIndexValueLikeAList(t *testing.T) {
	inBubble(t, func(b *harness) {
		repo := b.referring(func(ctx context.Context, in *informer.Informer[*corev1.ConfigMap], d *deployment) error {
			if d.Name == "b" {
				_, err := in.List(ctx)
				return err
			}
			_, err := in.ByIndex(ctx, "color", d.Labels["reads"]+`list in ""`)
			return err
		})
		b.edit("a", func(d *deployment) { d.Labels = map[string]string{"reads": "other"} })
		b.settle(time.Minute)
		b.write(repo, "c", data("k", "v"))
		require.Equal(t, []string{"apply b"}, b.settle(time.Minute))
	}, newDeployment("a"), newDeployment("b"))
}

// Kills: a list by an index, a namespace and labels that wakes for what is in one of them only.
func TestReferencesOfAListByIndexNamespaceAndLabels(t *testing.T) {
	inBubble(t, func(b *harness) {
		repo := b.referring(func(ctx context.Context, in *informer.Informer[*corev1.ConfigMap], d *deployment) error {
			namespace := map[string]string{"a": "ns", "b": "other"}[d.Name]
			_, err := in.List(ctx, informer.In(namespace), informer.WithIndex("color", "blue"), informer.MatchingLabels(map[string]string{"team": "x"}))
			return err
		})
		b.write(repo, "c", data("color", "blue"))
		require.Empty(t, b.settle(time.Minute), "it has not the label")
		b.write(repo, "c", func(cm *corev1.ConfigMap) { cm.Labels = map[string]string{"team": "x"} })
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "it is in the list, and not in that of b")
		b.write(repo, "c", data("color", "red"))
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "it left")
		b.write(repo, "c", data("k", "v"))
		require.Empty(t, b.settle(time.Minute))
	}, newDeployment("a"), newDeployment("b"))
}
