package controller_test

import (
	"context"
	goruntime "runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// Kills: a Cleanup that counts as done although it did not return: if somebody then strips the
// finalizer, Cleanup never succeeds.
func TestG3xG12ACleanupThatDoesNotReturnIsNotDone(t *testing.T) {
	for name, f := range map[string]func(){"panic": func() { panic("x") }, "Goexit": goruntime.Goexit} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				var up atomic.Bool
				done := b.cleans(func() (action, error) {
					if !up.Load() {
						f()
					}
					return well()
				})
				b.start()
				b.settle(time.Second)
				b.delete("a")
				b.settle(time.Second)
				up.Store(true)
				b.strip("a")
				b.settle(time.Hour)
				require.Equal(t, []string{"late a old"}, *done)
			}, labelled("a", "old"))
		})
	}
}

// TestG3xANewObjectDoesNotWaitLongerThanBypassTimeout for what a Cleanup of the old one asked for:
// a time that is far, or none at all.
func TestG3xANewObjectDoesNotWaitLongerThanBypassTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		result func() (action, error)
		within time.Duration
	}{
		"requeue":  {func() (action, error) { return controller.Requeue(24 * time.Hour), nil }, 20 * time.Minute},
		"after":    {func() (action, error) { return controller.AwaitChange(), kerr.After(24*time.Hour, errBucket) }, 20 * time.Minute},
		"terminal": {func() (action, error) { return controller.AwaitChange(), kerr.Terminal(errBucket) }, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				b.cleans(c.result)
				b.opts.BypassTimeout, b.opts.Workers = 20*time.Minute, 1
				busy := make(chan struct{})
				b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
					if d.Name == "busy" {
						<-busy
					}
					return controller.AwaitChange(), nil
				}
				b.start()
				b.settle(time.Second)
				b.create("busy") // all that happens to a meanwhile is one attempt
				b.settle(time.Second)
				b.strip("a")
				b.delete("a")
				b.create("a")
				b.settle(time.Second)
				close(busy)
				require.Contains(t, b.settle(c.within), "apply a")
				require.Empty(t, b.settle(48*time.Hour))
			}, labelled("a", "old"))
		})
	}
}

// thing is a kind whose objects need not fit.
type thing struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Size int32 `json:"size"`
	} `json:"spec"`
}

func (t *thing) DeepCopyObject() runtime.Object {
	copied := *t
	t.DeepCopyInto(&copied.ObjectMeta)
	return &copied
}

type thingList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []thing `json:"items"`
}

func (l *thingList) DeepCopyObject() runtime.Object { copied := *l; return &copied }

// things is a server with a thing that a controller has applied.
type things struct {
	calls
	t      *testing.T
	client dynamic.ResourceInterface
}

func (s *things) noted(what string) (action, error) {
	s.called(what)
	return controller.AwaitChange(), nil
}

// resize changes the thing as another client does that knows nothing of its Go type.
func (s *things) resize(size int64, finalizers ...string) {
	s.t.Helper()
	obj, err := s.client.Get(s.t.Context(), "a", metav1.GetOptions{})
	require.NoError(s.t, err)
	require.NoError(s.t, unstructured.SetNestedField(obj.Object, size, "spec", "size"))
	obj.SetFinalizers(finalizers)
	_, err = s.client.Update(s.t.Context(), obj, metav1.UpdateOptions{})
	require.NoError(s.t, err)
}

func (s *things) create() {
	s.t.Helper()
	_, err := s.client.Create(s.t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/v1", "kind": "Thing", "metadata": map[string]any{"name": "a"}, "spec": map[string]any{"size": int64(1)},
	}}, metav1.CreateOptions{})
	require.NoError(s.t, err)
}

func (s *things) delete() {
	s.t.Helper()
	require.NoError(s.t, s.client.Delete(s.t.Context(), "a", metav1.DeleteOptions{}))
}

const tooLarge = int64(1) << 40 // for an int32

// TestG3xAnObjectThatDoesNotFitAnyMoreIsNotGone: nothing was bypassed, and no timeout runs. When it
// fits again it is worked on as before, and when it is really forced away, that is noticed.
func TestG3xAnObjectThatDoesNotFitAnyMoreIsNotGone(t *testing.T) {
	for name, then := range map[string]struct {
		do   func(s *things)
		want []string
	}{
		"fits again":            {func(s *things) { s.resize(2, ours) }, []string{"apply"}},
		"deleted, fits again":   {func(s *things) { s.delete(); s.settle(time.Hour); s.resize(2, ours) }, []string{"cleanup"}},
		"forced":                {func(s *things) { s.delete(); s.resize(tooLarge) }, []string{"late cleanup"}},
		"forced, another comes": {func(s *things) { s.delete(); s.resize(tooLarge); s.create() }, []string{"late cleanup", "apply"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, logged := newThings(t)
				require.Equal(t, []string{"apply"}, s.settle(time.Second))
				s.resize(tooLarge, ours)
				require.Empty(t, s.settle(3*time.Hour))
				require.Empty(t, logged(), "nothing was bypassed")
				then.do(s)
				// The other one can be read, and applied, before the watch shows it, and is applied again then.
				require.Equal(t, then.want, slices.Compact(s.settle(time.Hour)))
			})
		})
	}
}

// newThings runs a controller of things until the test ends. logged returns its records above debug
// level about bypassed finalizers.
func newThings(t *testing.T) (s *things, logged func() []string) {
	t.Helper()
	gv := schema.GroupVersion{Group: "example.com", Version: "v1"}
	srv, err := sim.New(sim.Options{Kinds: sim.Schemaless(gv.WithKind("Thing"), true), Namespaces: []string{"ns"}})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	known := runtime.NewScheme()
	known.AddKnownTypeWithName(gv.WithKind("Thing"), &thing{})
	known.AddKnownTypeWithName(gv.WithKind("ThingList"), &thingList{})
	metav1.AddToGroupVersion(known, gv)
	repo, err := repository.New[thing](srv.Config(), known, gv.WithResource("things"))
	require.NoError(t, err)
	client, err := dynamic.NewForConfig(srv.Config())
	require.NoError(t, err)
	s = &things{t: t, client: client.Resource(gv.WithResource("things")).Namespace("ns")}
	s.create()
	logger, logs := newLogs()
	c, err := controller.New(repo, controller.Funcs[*thing]{
		FinalizerName: ours,
		ApplyFunc:     func(context.Context, *thing) (action, error) { return s.noted("apply") },
		CleanupFunc: func(ctx context.Context, _ *thing) (action, error) {
			if controller.Bypassed(ctx) {
				return s.noted("late cleanup")
			}
			return s.noted("cleanup")
		},
	}, &controller.Options{Logger: logger})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
	})
	return s, func() (texts []string) {
		for _, entry := range logs.FilterMessageSnippet("bypassed").All() {
			texts = append(texts, entry.Message)
		}
		return texts
	}
}
