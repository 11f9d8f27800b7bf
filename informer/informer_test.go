package informer_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	kubernetesfake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fake"
	"github.com/kuberator/kuberator/test/sim"
)

type configMap = corev1.ConfigMap

func cm(namespace, name string, of ...string) *configMap {
	c := &configMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m"}}}}
	if len(of) > 0 {
		c.Labels = map[string]string{"team": of[0]}
	}
	return c
}

// serve starts a simulated API server that holds objs, and returns a client of it.
func serve(t *testing.T, objs ...*configMap) kubernetes.Interface {
	t.Helper()
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps"), Namespaces: []string{"a", "b", "c"}})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	client, err := kubernetes.NewForConfig(srv.Config())
	require.NoError(t, err)
	for _, obj := range objs {
		_, err := client.CoreV1().ConfigMaps(obj.Namespace).Create(t.Context(), obj, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	return client
}

// recorded is serve for a test that asks what was requested: a fake clientset knows.
func recorded(t *testing.T, objs ...k8sruntime.Object) *kubernetesfake.Clientset {
	t.Helper()
	cs := kubernetesfake.NewClientset()
	fake.Harden(t, &cs.Fake, scheme.Scheme, fake.WithObjects(objs...))
	return cs
}

func repoOf(cs kubernetes.Interface, opts ...repository.Option) *repository.Live[*configMap] {
	return repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps, opts...)
}

// running starts the informer and returns what stops it. That the bubble ends shows
// that nothing is left of it.
func running(t *testing.T, in *informer.Informer[*configMap]) context.CancelFunc {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		require.NoError(t, <-done)
	}
}

func list(t *testing.T, in *informer.Informer[*configMap], opts ...informer.ListOption) []*configMap {
	t.Helper()
	objs, err := in.List(t.Context(), opts...)
	require.NoError(t, err)
	return objs
}

func ofTeam(t *testing.T, in *informer.Informer[*configMap], team string) []*configMap {
	t.Helper()
	objs, err := in.ByIndex(t.Context(), "team", team)
	require.NoError(t, err)
	return objs
}

func names(objs []*configMap) []string {
	var out []string
	for _, obj := range objs {
		out = append(out, obj.Namespace+"/"+obj.Name)
	}
	slices.Sort(out)
	return out
}

func TestReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cs := serve(t, cm("a", "1", "red"), cm("a", "2", "blue"), cm("b", "1", "red"))
		in, err := informer.New(repoOf(cs), nil)
		require.NoError(t, err)
		require.NoError(t, in.AddIndex("team", func(c *configMap) []string { return []string{c.Labels["team"]} }))
		ctx := t.Context()
		_, err = in.List(ctx)
		require.ErrorIs(t, err, informer.ErrNotKnown, "nothing before it runs")
		_, err = in.ByIndex(ctx, "team", "red")
		require.ErrorIs(t, err, informer.ErrNotKnown)
		_, err = in.Get(ctx, types.NamespacedName{Namespace: "b", Name: "1"})
		require.ErrorIs(t, err, informer.ErrNotKnown)
		require.False(t, apierrors.IsNotFound(err))
		stop := running(t, in)
		require.Equal(t, []string{"a/1", "a/2", "b/1"}, names(list(t, in)))
		require.Equal(t, []string{"a/1", "a/2"}, names(list(t, in, informer.In("a"))))
		red := labels.SelectorFromSet(labels.Set{"team": "red"})
		require.Equal(t, []string{"a/1"}, names(list(t, in, informer.In("a"), informer.Matching(red))))
		require.Equal(t, []string{"a/1", "b/1"}, names(ofTeam(t, in, "red")))
		_, err = in.ByIndex(ctx, "unknown", "red")
		require.ErrorContains(t, err, `there is no index "unknown"`)
		got, err := in.Get(ctx, types.NamespacedName{Namespace: "b", Name: "1"})
		require.NoError(t, err)
		require.Empty(t, got.ManagedFields, "dropped by default")
		_, err = in.Get(ctx, types.NamespacedName{Namespace: "c", Name: "1"})
		require.True(t, apierrors.IsNotFound(err))
		require.Equal(t, kerr.ClassNotFound, kerr.ClassOf(err))
		require.ErrorContains(t, in.AddIndex("late", func(*configMap) []string { return nil }), "it is running")
		stop()
		_, err = in.List(ctx)
		require.ErrorIs(t, err, informer.ErrNotKnown, "nothing after it stopped")

		_, err = cs.CoreV1().ConfigMaps("c").Create(ctx, cm("c", "1"), metav1.CreateOptions{})
		require.NoError(t, err)
		stop = running(t, in)
		require.Len(t, list(t, in), 4, "it starts again, with a fresh cache")
		stop()
	})
}

func TestKeepManagedFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, err := informer.New(repoOf(serve(t, cm("a", "1", "red"))), &informer.Options{KeepManagedFields: true})
		require.NoError(t, err)
		defer running(t, in)()
		require.NotEmpty(t, list(t, in)[0].ManagedFields)
	})
}

// Kills: reads without a copy.
func TestG17ReadsAreCopiesUnderConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, err := informer.New(repoOf(serve(t, cm("a", "1", "red"))), nil)
		require.NoError(t, err)
		require.NoError(t, in.AddIndex("team", func(c *configMap) []string { return []string{c.Labels["team"]} }))
		defer running(t, in)()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 50 {
					got, err := in.Get(t.Context(), types.NamespacedName{Namespace: "a", Name: "1"})
					require.NoError(t, err)
					for _, c := range append(append(list(t, in), ofTeam(t, in, "red")...), got) {
						c.Labels["team"] = "scribbled"
						c.Name = "scribbled"
					}
				}
			})
		}
		wg.Wait()
		view, ok := in.View(types.NamespacedName{Namespace: "a", Name: "1"})
		require.True(t, ok)
		require.Equal(t, "red", view.Labels["team"])
	})
}

func TestS5NamespacesAreListedOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cs := recorded(t, cm("a", "1"), cm("b", "1"), cm("c", "1"))
		in, err := informer.New(repoOf(cs, repository.InNamespaces("a", "b")), nil)
		require.NoError(t, err)
		stop := running(t, in)
		require.Equal(t, []string{"a/1", "b/1"}, names(list(t, in)))
		_, ok := in.View(types.NamespacedName{Namespace: "c", Name: "1"})
		require.False(t, ok)
		stop()
		for _, a := range cs.Actions() {
			require.Contains(t, []string{"a", "b"}, a.GetNamespace(), "%s %s", a.GetVerb(), a.GetResource().Resource)
		}
		_, err = informer.New(repoOf(cs, repository.InNamespaces("a")), &informer.Options{Namespaces: []string{"b"}})
		require.ErrorContains(t, err, `namespace "b": the repository is confined to [a]`)
		_, err = informer.New(bare{repoOf(cs)}, &informer.Options{Namespaces: []string{"b"}})
		require.ErrorContains(t, err, "cannot list a single namespace")
		_, err = informer.New[*configMap](nil, nil)
		require.ErrorContains(t, err, "the repository is nil")
	})
}

// bare hides everything but the interface.
type bare struct {
	repository.Repository[*configMap]
}

func TestSelectorsAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cs := recorded(t, cm("a", "1", "red"), cm("a", "2", "blue"))
		in, err := informer.New(repoOf(cs), &informer.Options{
			LabelSelector: labels.SelectorFromSet(labels.Set{"team": "red"}),
			FieldSelector: fields.OneTermEqualSelector("metadata.name", "1"),
		})
		require.NoError(t, err)
		stop := running(t, in)
		require.Equal(t, []string{"a/1"}, names(list(t, in)))
		stop()
		for _, a := range cs.Actions() {
			var restrictions clienttesting.ListRestrictions
			if list, ok := a.(clienttesting.ListAction); ok {
				restrictions = list.GetListRestrictions()
			} else {
				w := a.(clienttesting.WatchAction).GetWatchRestrictions()
				restrictions = clienttesting.ListRestrictions{Labels: w.Labels, Fields: w.Fields}
			}
			require.Equal(t, "team=red", restrictions.Labels.String(), a.GetVerb())
			require.Equal(t, "metadata.name=1", restrictions.Fields.String(), a.GetVerb())
		}
	})
}

// handler counts.
type handler struct {
	cache.TypedResourceEventHandlerFuncs[*configMap]
	onError func(error)
}

func (h handler) OnError(err error) { h.onError(err) }

// Kills: a handler that joins late and is not told of what is there.
func TestG8LateSubscriberSeesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cs := serve(t, cm("a", "1"), cm("a", "2"))
		in, err := informer.New(repoOf(cs), nil)
		require.NoError(t, err)
		defer running(t, in)()
		seen := 0
		sub, err := in.Subscribe(t.Context(), handler{cache.TypedResourceEventHandlerFuncs[*configMap]{AddFunc: func(*configMap) { seen++ }}, func(error) {}})
		require.NoError(t, err)
		require.True(t, cache.WaitFor(t.Context(), "", sub.Synced()...))
		require.Equal(t, 2, seen)
		require.NoError(t, sub.Stop())
		_, err = cs.CoreV1().ConfigMaps("a").Create(t.Context(), cm("a", "3"), metav1.CreateOptions{})
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, 2, seen, "no call after Stop")
		require.Len(t, list(t, in), 3)
	})
}

// expiring is a repository whose watches deliver nothing, and end when told to.
type expiring struct {
	repository.Repository[*configMap]
	expire chan struct{}
}

func (e expiring) ListerWatcher() cache.ListerWatcher {
	inner := cache.ToListerWatcherWithContext(e.Repository.ListerWatcher())
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: inner.ListWithContext,
		WatchFuncWithContext: func(ctx context.Context, _ metav1.ListOptions) (watch.Interface, error) {
			w := watch.NewFake()
			go func() {
				select {
				case <-e.expire:
					gone := apierrors.NewResourceExpired("too old resource version").ErrStatus
					w.Error(&gone)
				case <-ctx.Done():
				}
			}()
			return w, nil
		},
	}, e)
}

func (expiring) IsWatchListSemanticsUnSupported() bool { return true }

// TestG8RelistTellsOfWhatChangedOnly expires the watch: what changed and what went
// while it was down is told, what is as it was is not.
// Kills: a relist that is told as changes of everything.
func TestG8RelistTellsOfWhatChangedOnly(t *testing.T) {
	for _, resync := range []time.Duration{0, 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			cs := serve(t, cm("a", "same"), cm("a", "changed"), cm("a", "deleted"))
			repo := expiring{repoOf(cs), make(chan struct{})}
			in, err := informer.New(repo, &informer.Options{Resync: resync})
			require.NoError(t, err)
			var told []string
			sub, err := in.Subscribe(t.Context(), handler{cache.TypedResourceEventHandlerFuncs[*configMap]{
				UpdateFunc: func(_, c *configMap) { told = append(told, "updated "+c.Name) },
				DeleteFunc: func(c cache.DeletedObject[*configMap]) { told = append(told, "deleted "+c.GetName()) },
			}, func(err error) { t.Errorf("an expired watch is no trouble: %v", err) }})
			require.NoError(t, err)
			synctest.Wait()
			client := cs.CoreV1().ConfigMaps("a")
			changed := cm("a", "changed")
			changed.Data = map[string]string{"k": "v"}
			_, err = client.Update(t.Context(), changed, metav1.UpdateOptions{})
			require.NoError(t, err)
			require.NoError(t, client.Delete(t.Context(), "deleted", metav1.DeleteOptions{}))
			repo.expire <- struct{}{}
			time.Sleep(time.Minute)
			synctest.Wait()
			want := []string{"updated changed", "deleted deleted"}
			if resync > 0 {
				want = append(want, "updated same")
			}
			require.ElementsMatch(t, want, told)
			require.NoError(t, sub.Stop())
		})
	}
}

// TestG20ListErrorsAreTypedVisibleAndNotABusyLoop denies the list for an hour.
// Kills: a missing kind that ends the controller, or is asked for in a loop.
func TestG20ListErrorsAreTypedVisibleAndNotABusyLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cs := recorded(t, cm("a", "1"))
		var denied atomic.Bool
		denied.Store(true)
		cs.PrependReactor("list", "configmaps", func(clienttesting.Action) (bool, k8sruntime.Object, error) {
			return denied.Load(), nil, apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "", errors.New("no role"))
		})
		in, err := informer.New(repoOf(cs), nil)
		require.NoError(t, err)
		var errs []error
		sub, err := in.Subscribe(t.Context(), handler{onError: func(err error) { errs = append(errs, err) }})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Greater(t, len(errs), 50)
		require.Less(t, len(errs), 250, "about one try in 30 s")
		require.True(t, apierrors.IsForbidden(errs[0]))
		denied.Store(false)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Len(t, list(t, in), 1, "it resumes")
		require.NoError(t, sub.Stop())
	})
}

// Kills: a panic in an index that takes the process down.
func TestG12PanicOfAnIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, err := informer.New(repoOf(serve(t, cm("a", "1", "red"), cm("a", "bad"))), nil)
		require.NoError(t, err)
		require.NoError(t, in.AddIndex("team", func(c *configMap) []string {
			if c.Name == "bad" {
				panic("in the index")
			}
			return []string{c.Labels["team"]}
		}))
		require.ErrorContains(t, in.AddIndex("team", func(*configMap) []string { return nil }), "one of that name")
		require.ErrorContains(t, in.AddIndex("nil", nil), "must be set")
		var errs []error
		sub, err := in.Subscribe(t.Context(), handler{onError: func(err error) { errs = append(errs, err) }})
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, []string{"a/1"}, names(ofTeam(t, in, "red")))
		require.NoError(t, sub.Stop())
		require.Len(t, errs, 1)
		require.Equal(t, kerr.ClassPanic, kerr.ClassOf(errs[0]))
		require.ErrorContains(t, errs[0], "ConfigMap a/bad")
	})
}
