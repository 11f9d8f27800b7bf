package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/cluster"
)

// pages makes the lists of a resource come in pages of five, and the second page of
// the next one come late: after between was called, and etcd compacted until the
// server says by itself that the list has expired.
type pages struct {
	resource string
	mu       sync.Mutex
	between  func() // nil when it was called
	expired  int
}

func (p *pages) over(cfg *rest.Config) *rest.Config {
	return passing(cfg, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		query := r.URL.Query()
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/"+p.resource) || query.Has("watch") {
			return next.RoundTrip(r)
		}
		r = r.Clone(r.Context())
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "limit=500", "limit=5", 1)
		if between := p.take(query.Has("continue")); between != nil {
			between()
			return p.expire(r, next)
		}
		return next.RoundTrip(r)
	})
}

func (p *pages) take(second bool) (between func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if second {
		between, p.between = p.between, nil
	}
	return between
}

// expire repeats the request until it has expired.
func (p *pages) expire(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	for {
		response, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		if response.StatusCode == http.StatusGone {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.expired++
			return response, nil
		}
		if err := response.Body.Close(); err != nil {
			return nil, err
		}
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *pages) set(between func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.between = between
}

// hits returns how many lists expired.
func (p *pages) hits() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.expired
}

// TestFault6ListsThatExpireBetweenPages has etcd compacted while a list is read page
// by page: by user code, by ReleaseAll, and by an informer that lost its watch, which
// expired too. Nothing that was deleted meanwhile is taken for alive, and no delete is
// lost. That the watch alone expires is TestG8AnOldWatchExpires.
//
// Red if the reason of the answer 410 is lost on its way to client-go's pager, which
// then does not list everything at once instead; and if a delete that only a relist
// shows does not reach the owner.
func TestFault6ListsThatExpireBetweenPages(t *testing.T) {
	w := worldOf(t, cluster.Start(t, &cluster.Options{NoControllerManager: true, APIServerFlags: []string{
		"--etcd-compaction-interval=200ms",
		// Old pages come from etcd, lists are not streamed: all lists have pages.
		"--feature-gates=ListFromCacheSnapshot=false,WatchList=false",
	}}))
	t.Run("live list", w.liveListExpires)
	t.Run("release all", w.releaseAllExpires)
	t.Run("relist", func(t *testing.T) {
		w.t = t // whose end stops the operator
		w.relistExpires(t)
	})
}

func (w *world) numbered(i int) string { return fmt.Sprintf("w-%02d", i) }

func (w *world) liveListExpires(t *testing.T) {
	for i := range 12 {
		w.create(w.widget(w.numbered(i)))
	}
	p := &pages{resource: "widgets"}
	p.set(func() {
		_, err := w.merge(w.widget(w.numbered(2)), `{"spec":{"size":2}}`)
		_, err2 := w.repo.Create(t.Context(), w.widget("new"))
		if err := errors.Join(err, err2, w.repo.Delete(t.Context(), w.widget(w.numbered(1)))); err != nil {
			t.Error(err)
		}
	})
	list, err := w.widgets(p.over(w.cfg)).List(t.Context(), w.namespace, metav1.ListOptions{})
	require.NoError(t, err)
	require.Equal(t, 1, p.hits())
	live, err := w.repo.List(t.Context(), w.namespace, metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, live, 12)
	require.ElementsMatch(t, live, list)
}

// releaseAllExpires begins with 12 widgets.
func (w *world) releaseAllExpires(t *testing.T) {
	held, err := w.repo.List(t.Context(), w.namespace, metav1.ListOptions{})
	require.NoError(t, err)
	for _, obj := range held {
		_, err := w.merge(obj, `{"metadata":{"finalizers":["`+ours+`"]}}`)
		require.NoError(t, err)
	}
	p := &pages{resource: "widgets"}
	p.set(func() {
		late := w.widget("late")
		late.Finalizers = []string{ours}
		_, err := w.repo.Create(t.Context(), late)
		if err := errors.Join(err, w.repo.Delete(t.Context(), w.live(w.numbered(3)))); err != nil {
			t.Error(err)
		}
	})
	require.NoError(t, w.controller(p.over(w.cfg)).ReleaseAll(t.Context()))
	require.Equal(t, 1, p.hits())
	require.Nil(t, w.live(w.numbered(3)))
	released, err := w.repo.List(t.Context(), w.namespace, metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, released, 12)
	for _, obj := range released {
		require.Empty(t, obj.Finalizers)
		require.NoError(t, w.repo.Delete(t.Context(), obj))
	}
}

// keeper wants one child per widget, which says the size.
func keeper(children *informer.Informer[*corev1.ConfigMap], live *repository.Live[*corev1.ConfigMap]) controller.Funcs[*Widget] {
	return controller.Funcs[*Widget]{FinalizerName: ours, ApplyFunc: func(ctx context.Context, obj *Widget) (controller.Action, error) {
		want, err := childOf(obj, obj.Name)
		if err != nil {
			return controller.AwaitChange(), err
		}
		want.Data = map[string]string{"size": fmt.Sprint(obj.Spec.Size)}
		have, err := children.Get(ctx, repository.Key(obj))
		switch {
		case apierrors.IsNotFound(err):
			_, err = live.Create(ctx, want)
			return controller.AwaitChange(), err
		case err != nil:
			return controller.AwaitChange(), err
		}
		after := have.DeepCopy()
		after.Data = want.Data
		_, err = live.Update(ctx, have, after)
		return controller.AwaitChange(), err
	}}
}

func (w *world) relistExpires(t *testing.T) {
	p, v := &pages{resource: "configmaps"}, &valve{}
	loses := func(i int) {
		if err := w.admin.CoreV1().ConfigMaps(w.namespace).Delete(t.Context(), w.numbered(i), metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	var expired atomic.Bool // the watch that comes next
	cfg := passing(v.over(p.over(w.cfg), "configmaps"), func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if isWatch(r, "configmaps") && expired.CompareAndSwap(true, false) {
			loses(2) // nobody watches
			return says(r, apierrors.NewResourceExpired("too old resource version")), nil
		}
		return next.RoundTrip(r)
	})
	live := w.configMaps(cfg)
	children, err := informer.New(live, nil)
	require.NoError(t, err)
	c, err := controller.New(w.repo, keeper(children, live), w.options())
	require.NoError(t, err)
	controller.Owns(c, children)
	for i := range 12 {
		w.create(w.widget(w.numbered(i)))
		// An informer reads pages later if its first list has more than one.
		other := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: fmt.Sprintf("x-%02d", i)}}
		_, err := live.Create(t.Context(), other)
		require.NoError(t, err)
	}
	w.start(c)
	for i := range 12 {
		w.until("applied", isApplied(w.key(w.numbered(i))))
	}
	p.set(func() {
		loses(1)  // on the page that was read
		loses(11) // on one that was not
		_, err := w.admin.CoreV1().ConfigMaps(w.namespace).Patch(t.Context(), w.numbered(3), types.MergePatchType, []byte(`{"data":{"size":"?"}}`), metav1.PatchOptions{})
		if err != nil {
			t.Error(err)
		}
	})
	expired.Store(true)
	require.Equal(t, 1, v.breakAll())
	for _, i := range []int{1, 2, 3, 11} {
		w.until("repaired", func(a controller.Attempt) bool { return isApplied(w.key(w.numbered(i)))(a) && a.Writes == 1 })
	}
	require.Equal(t, 1, p.hits())
	for i := range 12 {
		child, err := live.Get(t.Context(), w.key(w.numbered(i)))
		require.NoError(t, err)
		require.Equal(t, "0", child.Data["size"])
	}
}
