package informer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

func large(namespace, name string) *configMap {
	c := cm(namespace, name)
	c.Data = map[string]string{"large": "data"}
	c.Finalizers = []string{"example.com/f"}
	return c
}

// TestTransformShrinksWhatIsCached over a server and over a fake, which hands out the
// objects that it keeps. Kills (G17): no copy.
func TestTransformShrinksWhatIsCached(t *testing.T) {
	shrink := func(c *configMap) *configMap {
		c.Data = nil
		return c
	}
	modes(t, func(t *testing.T, o *origin) {
		o.set(large("a", "3"))
		in, err := informer.New(o, nil)
		require.NoError(t, err)
		require.NoError(t, in.SetTransform(shrink))
		stop := running(t, in)
		got, err := in.Get(t.Context(), types.NamespacedName{Namespace: "a", Name: "3"})
		require.NoError(t, err)
		require.Empty(t, got.Data)
		require.NotEmpty(t, got.Finalizers)
		require.Empty(t, got.ManagedFields)
		require.ErrorContains(t, in.SetTransform(shrink), "set the transform of the informer of ConfigMap: it is running")
		stop()
		require.NoError(t, in.SetTransform(nil))
		stop = running(t, in)
		got, err = in.Get(t.Context(), types.NamespacedName{Namespace: "a", Name: "3"})
		require.NoError(t, err)
		require.NotEmpty(t, got.Data)
		stop()
	})
	synctest.Test(t, func(t *testing.T) {
		cs := fake.NewClientset()
		in, err := informer.New(repoOf(cs), &informer.Options{KeepManagedFields: true})
		require.NoError(t, err)
		require.NoError(t, in.SetTransform(shrink))
		stop := running(t, in)
		_, err = cs.CoreV1().ConfigMaps("a").Create(t.Context(), large("a", "1"), metav1.CreateOptions{})
		require.NoError(t, err)
		synctest.Wait()
		require.Empty(t, list(t, in)[0].Data)
		require.NotEmpty(t, list(t, in)[0].ManagedFields)
		kept, err := cs.CoreV1().ConfigMaps("a").Get(t.Context(), "1", metav1.GetOptions{})
		require.NoError(t, err)
		require.NotEmpty(t, kept.Data)
		stop()
	})
}

// TestG21ATransformKeepsThePause, and what it makes of the other annotations. Kills: an annotation that is lost, and a
// cached object of others that is changed.
func TestG21ATransformKeepsThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mine := map[string]string{"mine": "x"}
		for name, shrink := range map[string]func(*configMap) *configMap{
			"none":    func(c *configMap) *configMap { c.Annotations = nil; return c },
			"its own": func(c *configMap) *configMap { c.Annotations = mine; return c },
			"all":     func(c *configMap) *configMap { return c },
		} {
			obj := large("a", "1")
			obj.Annotations = map[string]string{"kuberator.dev/paused": "true", "large": "data"}
			in, err := informer.New(newOrigin(obj, large("a", "2")), nil)
			require.NoError(t, err)
			require.NoError(t, in.SetTransform(shrink))
			stop := running(t, in)
			got, err := in.Get(t.Context(), types.NamespacedName{Namespace: "a", Name: "1"})
			require.NoError(t, err)
			require.Equal(t, "true", got.Annotations["kuberator.dev/paused"], name)
			require.Equal(t, name == "all", got.Annotations["large"] != "", name)
			require.Equal(t, name == "its own", got.Annotations["mine"] != "", name)
			got, err = in.Get(t.Context(), types.NamespacedName{Namespace: "a", Name: "2"})
			require.NoError(t, err)
			require.Empty(t, got.Annotations["kuberator.dev/paused"])
			stop()
		}
		require.Len(t, mine, 1)
	})
}

// TestTransformThatLosesTheIdentityIsNotUsed has a row for each field, a nil and a
// panic. Kills (G12): no check, no recover.
func TestTransformThatLosesTheIdentityIsNotUsed(t *testing.T) {
	deleted := metav1.NewTime(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	for name, spoil := range map[string]func(*configMap) *configMap{
		"name":            func(c *configMap) *configMap { c.Name = "x"; return c },
		"namespace":       func(c *configMap) *configMap { c.Namespace = ""; return c },
		"uid":             func(c *configMap) *configMap { c.UID = ""; return c },
		"resourceVersion": func(c *configMap) *configMap { c.ResourceVersion = ""; return c },
		"finalizers":      func(c *configMap) *configMap { c.Finalizers[0] = "x"; return c },
		"deletion":        func(c *configMap) *configMap { c.DeletionTimestamp = nil; return c },
		"nil":             func(*configMap) *configMap { return nil },
		"panic":           func(c *configMap) *configMap { c.Data["large"] = "half done"; panic("in the transform") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				obj := large("a", "1")
				obj.UID, obj.DeletionTimestamp = "u", &deleted
				in, err := informer.New(newOrigin(obj), nil)
				require.NoError(t, err)
				require.NoError(t, in.SetTransform(spoil))
				d := newDiary()
				sub, err := in.Subscribe(t.Context(), d)
				require.NoError(t, err)
				settle(time.Second)
				got, err := in.Get(t.Context(), types.NamespacedName{Namespace: "a", Name: "1"})
				require.NoError(t, err)
				require.Equal(t, obj.Data, got.Data)
				require.Equal(t, obj.Finalizers, got.Finalizers)
				require.Equal(t, types.UID("u"), got.UID)
				require.Equal(t, []string{"added a/1"}, d.read())
				errs := d.errors()
				require.Len(t, errs, 1)
				require.ErrorContains(t, errs[0], "sync ConfigMap a/1: transform for the cache: ")
				require.Equal(t, name == "panic", kerr.ClassOf(errs[0]) == kerr.ClassPanic)
				require.NoError(t, sub.Stop())
			})
		})
	}
}

// early is a repository whose objects are created between the list and the watch.
type early struct {
	repository.Repository[*configMap]
	create func()
}

func (e early) ListerWatcher() cache.ListerWatcher {
	inner := cache.ToListerWatcherWithContext(e.Repository.ListerWatcher())
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: inner.ListWithContext,
		WatchFuncWithContext: func(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
			e.create()
			return inner.WatchWithContext(ctx, opts)
		},
	}, expiring{})
}

// TestG17ObjectsOfAFakeStayAsTheyAre: it hands out the ones that it keeps, if they came
// between the list and the watch. Kills: no copy.
func TestG17ObjectsOfAFakeStayAsTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cs := fake.NewClientset()
		client := cs.CoreV1().ConfigMaps("a")
		in, err := informer.New(early{repoOf(cs), func() {
			_, err := client.Create(t.Context(), cm("a", "1", "red"), metav1.CreateOptions{})
			require.NoError(t, err)
		}}, nil)
		require.NoError(t, err)
		defer running(t, in)()
		require.Empty(t, list(t, in)[0].ManagedFields)
		kept, err := client.Get(t.Context(), "1", metav1.GetOptions{})
		require.NoError(t, err)
		require.NotEmpty(t, kept.ManagedFields)
	})
}
