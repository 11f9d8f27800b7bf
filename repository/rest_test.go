package repository_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

var configMaps = corev1.SchemeGroupVersion.WithResource("configmaps")

// answering is an API server that answers every request in the same way and keeps
// what it was asked.
type answering struct {
	code int
	body string
	err  error

	mu    sync.Mutex
	asked []string
}

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	line := r.Method + " " + r.URL.RequestURI()
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		line += " " + string(body)
	}
	a.asked = append(a.asked, strings.TrimSpace(line))
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{
		StatusCode: a.code, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(a.body)), Request: r,
	}, nil
}

func over(t *testing.T, a *answering, opts ...repository.Option) *repository.Live[*corev1.ConfigMap] {
	t.Helper()
	repo, err := repository.New[corev1.ConfigMap](&rest.Config{Host: "http://server.invalid", Transport: a}, scheme.Scheme, configMaps, opts...)
	require.NoError(t, err)
	return repo
}

const one = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"n","namespace":"ns","uid":"u","resourceVersion":"7"},"data":{"k":"v"}}`

func TestNewRequests(t *testing.T) {
	a := &answering{code: http.StatusOK, body: one}
	repo := over(t, a)
	require.Equal(t, "ConfigMap", repo.Kind().Kind)
	require.Equal(t, configMaps, repo.Resource())
	cm, err := repo.Get(t.Context(), types.NamespacedName{Namespace: "ns", Name: "n"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"k": "v"}, cm.Data)
	_, err = repo.Patch(t.Context(), cm, types.MergePatchType, []byte(`{}`), "status")
	require.NoError(t, err)
	changed := cm.DeepCopy()
	changed.Data = map[string]string{"new": "v"}
	_, err = repo.Update(t.Context(), cm, changed)
	require.NoError(t, err)
	same := cm.DeepCopy()
	same.Annotations = map[string]string{} // it is encoded as the other is
	_, err = repo.Update(t.Context(), cm, same)
	require.NoError(t, err, "nothing to update")
	require.NoError(t, repo.Delete(t.Context(), cm))
	_, err = repo.Apply(t.Context(), cm, "me")
	require.NoError(t, err)
	require.Equal(t, []string{
		"GET /api/v1/namespaces/ns/configmaps/n",
		"PATCH /api/v1/namespaces/ns/configmaps/n/status {}",
		`PATCH /api/v1/namespaces/ns/configmaps/n {"data":{"k":null,"new":"v"},"metadata":{"resourceVersion":"7"}}`,
		`DELETE /api/v1/namespaces/ns/configmaps/n {"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"u"},"propagationPolicy":"Background"}`,
		`PATCH /api/v1/namespaces/ns/configmaps/n?fieldManager=me {"apiVersion":"v1","data":{"k":"v"},"kind":"ConfigMap","metadata":{"name":"n","namespace":"ns","uid":"u"}}`,
	}, a.asked)
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	cfg := &rest.Config{Host: "http://server.invalid"}
	_, err := repository.New[corev1.ConfigMap](nil, scheme.Scheme, configMaps)
	require.ErrorContains(t, err, "must not be nil")
	_, err = repository.New[corev1.ConfigMap](cfg, runtime.NewScheme(), configMaps)
	require.ErrorContains(t, err, "*v1.ConfigMap is not in the scheme")
	_, err = repository.New[unstructured.Unstructured](cfg, scheme.Scheme, configMaps)
	require.ErrorContains(t, err, "*unstructured.Unstructured has no kind of its own: use FromDynamic")
	_, err = repository.New[metav1.PartialObjectMetadata](cfg, scheme.Scheme, configMaps)
	require.ErrorContains(t, err, "*v1.PartialObjectMetadata has no kind of its own: use FromMetadata")
	_, err = repository.New[corev1.ConfigMap](cfg, scheme.Scheme, configMaps.GroupVersion().WithResource(""))
	require.ErrorContains(t, err, "must not be empty")
	gvr := configMaps
	gvr.Version = "v2"
	_, err = repository.New[corev1.ConfigMap](cfg, scheme.Scheme, gvr)
	require.ErrorContains(t, err, "not in v2")
	_, err = repository.New[corev1.ConfigMap](cfg, scheme.Scheme, configMaps, repository.ClusterScoped(), repository.InNamespaces("a"))
	require.ErrorContains(t, err, "no namespaces")
	_, err = repository.New[corev1.ConfigMap](&rest.Config{Host: ":// bad"}, scheme.Scheme, configMaps)
	require.Error(t, err)
}

// Kills: a confinement that only the informer knows of.
func TestS5ConfinedRepositorySendsNothingElsewhere(t *testing.T) {
	a := &answering{code: http.StatusOK, body: one}
	repo := over(t, a, repository.InNamespaces("b", "a", "b"))
	require.Equal(t, []string{"a", "b"}, repo.Namespaces())
	ctx, elsewhere := t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "n"}}
	for name, do := range map[string]func() error{
		"get":    func() error { _, err := repo.Get(ctx, repository.Key(elsewhere)); return err },
		"patch":  func() error { _, err := repo.Patch(ctx, elsewhere, types.MergePatchType, nil); return err },
		"create": func() error { _, err := repo.Create(ctx, elsewhere); return err },
		"apply":  func() error { _, err := repo.Apply(ctx, elsewhere, "me"); return err },
		"delete": func() error { return repo.Delete(ctx, elsewhere) },
	} {
		err := do()
		require.True(t, apierrors.IsForbidden(err), "%s: %v", name, err)
		require.Equal(t, kerr.ClassForbidden, kerr.ClassOf(err))
	}
	require.Empty(t, a.asked)
}

func TestUnnamedIsNotSent(t *testing.T) {
	a := &answering{code: http.StatusOK, body: one}
	repo := over(t, a, repository.InNamespaces("ns"))
	for _, obj := range []*corev1.ConfigMap{nil, {}, {ObjectMeta: metav1.ObjectMeta{Name: "n"}}, {ObjectMeta: metav1.ObjectMeta{Namespace: "ns"}}} {
		_, err := repo.Create(t.Context(), obj)
		require.ErrorIs(t, err, kerr.ErrUnnamed)
		_, err = repo.Update(t.Context(), obj, obj)
		require.ErrorIs(t, err, kerr.ErrUnnamed)
		_, err = repo.Apply(t.Context(), obj, "me")
		require.ErrorIs(t, err, kerr.ErrUnnamed)
		_, err = repo.Patch(t.Context(), obj, types.MergePatchType, nil)
		require.ErrorIs(t, err, kerr.ErrUnnamed)
		require.ErrorIs(t, repo.Delete(t.Context(), obj), kerr.ErrUnnamed)
		require.ErrorIs(t, repo.Delete(t.Context(), obj, repository.IfUnchanged()), kerr.ErrUnnamed)
	}
	_, err := repo.Get(t.Context(), types.NamespacedName{Namespace: "ns"})
	require.ErrorIs(t, err, kerr.ErrUnnamed)
	_, err = repo.Apply(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "n"}}, "")
	require.ErrorContains(t, err, "field manager")
	require.Empty(t, a.asked)
}

// Kills: a lost answer that is taken for a refusal.
func TestG15WritesWithoutAnAnswerAreAmbiguous(t *testing.T) {
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "n"}}
	for name, c := range map[string]struct {
		a           *answering
		write, read kerr.Class
	}{
		"lost":      {&answering{err: io.ErrUnexpectedEOF}, kerr.ClassAmbiguous, kerr.ClassTransient},
		"refused":   {&answering{err: syscall.ECONNREFUSED}, kerr.ClassTransient, kerr.ClassTransient},
		"cancelled": {&answering{err: context.Canceled}, kerr.ClassAmbiguous, kerr.ClassTransient},
		"garbage":   {&answering{code: 200, body: "<html>welcome to the proxy"}, kerr.ClassAmbiguous, kerr.ClassTransient},
		"truncated": {&answering{code: 200, body: one[:40]}, kerr.ClassAmbiguous, kerr.ClassTransient},
		"502":       {&answering{code: 502, body: "<html>bad gateway"}, kerr.ClassAmbiguous, kerr.ClassTransient},
	} {
		// client-go repeats a read whose answer got lost, after a second.
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				repo := over(t, c.a)
				_, err := repo.Patch(t.Context(), cm, types.MergePatchType, []byte("{}"))
				require.Equal(t, c.write, kerr.ClassOf(err), "%v", err)
				step, ok := errors.AsType[*kerr.Error](err)
				require.True(t, ok)
				require.Equal(t, kerr.OpPatch, step.Op)
				_, err = repo.Get(t.Context(), repository.Key(cm))
				require.Equal(t, c.read, kerr.ClassOf(err), "%v", err)
			})
		})
	}
}

func TestNotServedIsNotGone(t *testing.T) {
	a := &answering{code: http.StatusNotFound, body: "404 page not found"}
	_, err := over(t, a).Get(t.Context(), types.NamespacedName{Namespace: "ns", Name: "n"})
	require.ErrorIs(t, err, kerr.ErrNotServed)
	require.True(t, apierrors.IsNotFound(err))
	require.Equal(t, kerr.ClassTransient, kerr.ClassOf(err))
}

// collect returns what the ListerWatcher reports as undecodable.
func collect(lw cache.ListerWatcher) *[]error {
	var errs []error
	lw.(repository.Tolerant).OnUndecodable(func(err error) { errs = append(errs, err) })
	return &errs
}

const bad = `{"metadata":{"name":"bad","namespace":"ns","uid":"b","resourceVersion":"9"},"data":"not a map"}`

// Kills: a list that fails as a whole.
func TestG11ListItemsAreDecodedOneByOne(t *testing.T) {
	a := &answering{code: http.StatusOK, body: `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"10","continue":"c"},"items":[` + bad + `,` +
		`{"metadata":{"name":"good","namespace":"ns"},"data":{"k":"v"}}]}`}
	lw := over(t, a).ListerWatcherIn("ns")
	errs := collect(lw)
	list, err := cache.ToListerWatcherWithContext(lw).ListWithContext(t.Context(), metav1.ListOptions{Limit: 5})
	require.NoError(t, err)
	require.Equal(t, []string{"GET /api/v1/namespaces/ns/configmaps?limit=5"}, a.asked)
	items, err := meta.ExtractList(list)
	require.NoError(t, err)
	require.Len(t, items, 1)
	require.Equal(t, "good", items[0].(*corev1.ConfigMap).Name)
	accessor, err := meta.ListAccessor(list)
	require.NoError(t, err)
	require.Equal(t, "10", accessor.GetResourceVersion())
	require.Equal(t, "c", accessor.GetContinue())
	require.Len(t, *errs, 1)
	step, ok := errors.AsType[*kerr.Error]((*errs)[0])
	require.True(t, ok)
	require.Equal(t, types.NamespacedName{Namespace: "ns", Name: "bad"}, step.Key)
	require.Equal(t, types.UID("b"), step.UID)
	require.Equal(t, kerr.ClassUndecodable, step.Class())
}

// The pager of client-go lists everything anew, at once, if it sees that the list
// expired between two pages.
func TestFault6TheReasonOfAListThatFailed(t *testing.T) {
	a := &answering{code: http.StatusGone, body: `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}`}
	lw := over(t, a).ListerWatcher()
	_, err := cache.ToListerWatcherWithContext(lw).ListWithContext(t.Context(), metav1.ListOptions{Continue: "c"})
	require.True(t, apierrors.IsResourceExpired(err), "%v", err)
}

// Kills: a watch that ends with an object that does not fit.
func TestG11WatchEventsAreDecodedOneByOne(t *testing.T) {
	a := &answering{code: http.StatusOK, body: `{"type":"MODIFIED","object":` + bad + `}
{"type":"ADDED","object":` + one + `}
{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"12"}}}
{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","code":410,"reason":"Expired"}}
`}
	lw := over(t, a).ListerWatcher()
	errs := collect(lw)
	w, err := cache.ToListerWatcherWithContext(lw).WatchWithContext(t.Context(), metav1.ListOptions{ResourceVersion: "5"})
	require.NoError(t, err)
	defer w.Stop()
	deleted := <-w.ResultChan()
	require.Equal(t, watch.Deleted, deleted.Type, "what cannot be decoded is not there")
	require.Equal(t, "9", deleted.Object.(*corev1.ConfigMap).ResourceVersion)
	added := <-w.ResultChan()
	require.Equal(t, watch.Added, added.Type)
	require.Equal(t, map[string]string{"k": "v"}, added.Object.(*corev1.ConfigMap).Data)
	require.Equal(t, "12", (<-w.ResultChan()).Object.(*corev1.ConfigMap).ResourceVersion)
	expired := <-w.ResultChan()
	require.True(t, apierrors.IsResourceExpired(apierrors.FromObject(expired.Object)))
	_, open := <-w.ResultChan()
	require.False(t, open)
	require.Len(t, *errs, 1)
}

func TestG11ListReturnsWhatItCanAndSaysWhatItCannot(t *testing.T) {
	a := &answering{code: http.StatusOK, body: `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"10"},"items":[` + bad + `,` +
		`{"metadata":{"name":"good","namespace":"ns"},"data":{"k":"v"}}]}`}
	objs, err := over(t, a).List(t.Context(), "", metav1.ListOptions{LabelSelector: "x=y"})
	require.Len(t, objs, 1)
	require.Equal(t, kerr.ClassUndecodable, kerr.ClassOf(err))
	require.ErrorContains(t, err, "list ConfigMap: decode ConfigMap ns/bad")
	require.Contains(t, a.asked[0], "/api/v1/configmaps?labelSelector=x%3Dy")

	confined := over(t, a, repository.InNamespaces("a", "b"))
	for _, elsewhere := range []string{"c", ""} {
		_, err = confined.List(t.Context(), elsewhere, metav1.ListOptions{})
		require.Error(t, err, elsewhere)
	}
	require.Len(t, a.asked, 1)
	_, err = confined.List(t.Context(), "b", metav1.ListOptions{})
	require.Error(t, err)
	require.Contains(t, a.asked[1], "/namespaces/b/")
	_, _ = over(t, a, repository.InNamespaces("a")).List(t.Context(), "", metav1.ListOptions{})
	require.Contains(t, a.asked[2], "/namespaces/a/")
}

func TestListAndWatchErrorsKeepTheirType(t *testing.T) {
	a := &answering{code: http.StatusForbidden, body: `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"no"}`}
	lw := cache.ToListerWatcherWithContext(over(t, a).ListerWatcher())
	_, err := lw.ListWithContext(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsForbidden(err))
	_, err = lw.WatchWithContext(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsForbidden(err))
	a.code, a.body = 200, "garbage"
	_, err = lw.ListWithContext(t.Context(), metav1.ListOptions{})
	require.ErrorContains(t, err, "decode the list")
}
