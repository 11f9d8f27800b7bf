package controller_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

var configMapKind = corev1.SchemeGroupVersion.WithKind("ConfigMap")

// reads counts the reads of single ConfigMaps that were sent.
func (b *harness) reads() (n int) {
	for _, r := range b.Requests() {
		if r.method == http.MethodGet && strings.Contains(r.url.Path, "/configmaps/") {
			n++
		}
	}
	return n
}

// TestG5WritesOfOtherClientsAreReadBack has an Apply that writes its child with a clientset.
// Kills: a Wrote that tells nobody, with which there are two children.
func TestG5WritesOfOtherClientsAreReadBack(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, _ := b.children()
		maps := b.Clientset.CoreV1().ConfigMaps("ns")
		var found []int
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			have, err := in.List(ctx)
			if found = append(found, len(have)); err != nil || len(have) > 0 {
				return controller.AwaitChange(), err
			}
			cm := child("")
			cm.GenerateName = "child-"
			cm, err = maps.Create(ctx, cm, metav1.CreateOptions{})
			if err == nil {
				err = repository.Wrote(ctx, configMapKind, cm)
			}
			require.NoError(t, err)
			have, err = in.List(ctx)
			require.Len(t, have, 1, "the attempt itself sees it")
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Watches(b.c, in, nobody)
		b.run()
		b.Watches("configmaps").Hold()
		b.create("a")
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		attempts := b.took()
		require.Equal(t, 2, attempts[len(attempts)-1].Writes, "the finalizer and the child")
		b.c.Enqueue(nsName("a"))
		require.Empty(t, b.settle(8*time.Second), "it waits for the cache")
		require.Equal(t, []string{"apply a"}, b.settle(2*time.Second), "StaleWait is 10 s")
		require.Equal(t, []int{0, 1}, found)
		require.Equal(t, 1, b.creates())
		b.Watches("configmaps").Release()
	})
}

// TestG5DeletionsOfOtherClientsAreReadBack: of a child that is gone, and of one that may be.
// Kills: a deletion that nobody is told of.
func TestG5DeletionsOfOtherClientsAreReadBack(t *testing.T) {
	for name, tell := range map[string]func(context.Context, *corev1.ConfigMap) error{
		"deleted": func(ctx context.Context, cm *corev1.ConfigMap) error {
			return repository.WroteDeletion(ctx, configMapKind, cm)
		},
		"who can say": func(ctx context.Context, cm *corev1.ConfigMap) error {
			return repository.WroteUnknown(ctx, configMapKind, cm)
		},
	} {
		inBubble(t, func(b *harness) {
			in, _ := b.children()
			var gone []bool
			b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
				cm, err := in.Get(ctx, nsName("c"))
				if gone = append(gone, apierrors.IsNotFound(err)); err != nil {
					return controller.AwaitChange(), nil //nolint:nilerr // it is what is tested
				}
				err = b.Clientset.CoreV1().ConfigMaps("ns").Delete(ctx, "c", metav1.DeleteOptions{})
				require.NoError(t, err)
				return controller.AwaitChange(), tell(ctx, cm)
			}
			b.make()
			controller.Watches(b.c, in, nobody)
			b.run()
			b.settle(time.Second)
			b.Watches("configmaps").Hold()
			b.create("a")
			b.settle(time.Second)
			b.c.Enqueue(nsName("a"))
			b.settle(time.Minute)
			require.Equal(t, []bool{false, true}, gone, name)
			b.Watches("configmaps").Release()
		}, child("c"))
	}
}

// TestG5EnsureBeginsWithTheCache reads nothing live, and writes nothing where nothing differs.
// Kills: a live read in each attempt, a read that wakes nobody.
func TestG5EnsureBeginsWithTheCache(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		value := "1"
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			got, err := repo.Ensure(ctx, child("c"), func(cm *corev1.ConfigMap) error { data("k", value)(cm); return nil })
			if err == nil {
				require.Equal(t, value, got.Data["k"])
				got.Data["k"] = "the caller's"
			}
			return controller.AwaitChange(), err
		}
		b.make()
		controller.References(b.c, in)
		b.run()
		b.settle(time.Minute)
		writes := len(b.Writes())
		for range 3 {
			b.c.Enqueue(nsName("a"))
			require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
		}
		require.Len(t, b.Writes(), writes, "nothing differs")
		require.Zero(t, b.reads())
		cached, _ := in.View(nsName("c"))
		require.Equal(t, "1", cached.Data["k"], "the caller's is a copy")
		value = "2"
		b.c.Enqueue(nsName("a"))
		b.settle(time.Minute)
		require.Zero(t, b.reads())
		require.Equal(t, "2", liveChild(b, repo).Data["k"])
		b.write(repo, "c", data("k", "3"))
		b.settle(time.Minute)
		require.Equal(t, "2", liveChild(b, repo).Data["k"], "what Ensure read wakes the object")
		b.write(repo, "c", nil)
		b.settle(time.Minute)
		require.Equal(t, "2", liveChild(b, repo).Data["k"], "it is made again")
	}, newDeployment("a"))
}

// TestG5EnsureKnowsWhatWasWritten while the watch of the children is held back. Kills: an
// Ensure that believes a cache in which the child is missing, or old.
func TestG5EnsureKnowsWhatWasWritten(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		given := []string{}
		ensure := func(ctx context.Context, value string) {
			_, err := repo.Ensure(ctx, child("c"), func(cm *corev1.ConfigMap) error {
				given = append(given, cm.Data["k"])
				data("k", value)(cm)
				return nil
			})
			require.NoError(t, err)
		}
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			before := b.reads()
			if len(given) == 0 {
				ensure(ctx, "1")
				ensure(ctx, "2")
				require.Equal(t, before, b.reads(), "the answers to its own writes are what it knows")
			}
			ensure(ctx, "3")
			return controller.AwaitChange(), nil
		}
		b.make()
		controller.Watches(b.c, in, nobody)
		b.run()
		b.settle(time.Second)
		b.Watches("configmaps").Hold()
		b.create("a")
		b.settle(time.Second)
		b.c.Enqueue(nsName("a"))
		b.settle(time.Minute)
		require.Equal(t, []string{"", "1", "2", "3"}, given)
		require.Equal(t, 1, b.creates())
		b.Watches("configmaps").Release()
	})
}

// TestEnsureFromAStaleCache: somebody else changed the child, also so that nothing is left to do,
// and the cache does not know. Kills: a change that is lost, an attempt that fails for it, and
// reads that fall behind what Ensure has read.
func TestEnsureFromAStaleCache(t *testing.T) {
	for _, theirs := range []map[string]string{nil, {"ours": "yes"}} {
		ensureFromAStaleCache(t, theirs)
	}
}

func ensureFromAStaleCache(t *testing.T, theirs map[string]string) {
	t.Helper()
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			_, err := repo.Ensure(ctx, child("c"), func(cm *corev1.ConfigMap) error {
				cm.Labels = map[string]string{"ours": "yes"}
				return nil
			})
			require.NoError(t, err)
			seen, err := in.Get(ctx, nsName("c"))
			require.NoError(t, err)
			require.Equal(t, "theirs", seen.Data["k"], "reads do not fall behind what Ensure read")
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Watches(b.c, in, nobody)
		b.run()
		b.settle(time.Second)
		b.Watches("configmaps").Hold()
		b.write(repo, "c", func(cm *corev1.ConfigMap) { cm.Labels = theirs; data("k", "theirs")(cm) })
		b.create("a")
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		require.Equal(t, "theirs", liveChild(b, repo).Data["k"])
		require.Equal(t, "yes", liveChild(b, repo).Labels["ours"])
		b.Watches("configmaps").Release()
	}, child("c"))
}

// TestWhatIsAppliedTwice is what differs from the last time: the force, the fields. A dry run
// neither counts nor is answered by the cache. Kills: a hash without the force, a dry run that
// is noted.
func TestWhatIsAppliedTwice(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		var opts []repository.ApplyOption
		value := "1"
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			config := corev1ac.ConfigMap("c", "ns").WithData(map[string]string{"k": value})
			_, err := repo.ApplyConfiguration(ctx, config, "me", opts...)
			return controller.AwaitChange(), err
		}
		b.make()
		controller.Owns(b.c, in)
		b.run()
		b.settle(time.Minute)
		sent := func(with ...repository.ApplyOption) int {
			before := b.patches()
			opts = with
			b.c.Enqueue(nsName("a"))
			b.settle(time.Minute)
			return b.patches() - before
		}
		require.Equal(t, 0, sent(), "it was applied when the object was new")
		require.Equal(t, 1, sent(repository.DryRun()))
		b.took()
		require.Equal(t, 1, sent(repository.DryRun()), "again")
		require.Zero(t, b.took()[0].Writes)
		require.Equal(t, 0, sent(), "it is as if there were no dry runs")
		value = "2"
		require.Equal(t, 1, sent(repository.DryRun()))
		require.Equal(t, 1, sent(), "what was only tried")
		require.Equal(t, "2", liveChild(b, repo).Data["k"])
		require.Equal(t, 1, sent(repository.Force()))
		require.Equal(t, 0, sent(repository.Force()))
		require.Equal(t, 1, sent())
	}, newDeployment("a"))
}

// Kills: a controller whose finalizer is never stored.
func TestG3ARepositoryOfDryRunsIsRefused(t *testing.T) {
	inBubble(t, func(b *harness) {
		_, err := controller.New(b.repo.With(repository.DryRun()), b.user, nil)
		require.ErrorContains(t, err, "dry runs")
		_, err = controller.New(b.repo.With(repository.FieldManager("me")), b.user, nil)
		require.NoError(t, err)
	})
}
