package repository_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// deepest is how deep a decoder of JSON takes an object to be, and hence the server.
const deepest = 10_000

// deep returns an object that is nested so deep.
func deep(depth int) string {
	return `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep","namespace":"ns","uid":"d","resourceVersion":"8",` +
		`"deletionTimestamp":"2026-01-01T00:00:00Z","finalizers":["example.com/f"]},"x":` +
		strings.Repeat(`{"a":`, depth-1) + "1" + strings.Repeat("}", depth-1) + `}`
}

// watched returns all events of a watch.
func watched(t *testing.T, lw cache.ListerWatcher) (all []watch.Event) {
	t.Helper()
	w, err := cache.ToListerWatcherWithContext(lw).WatchWithContext(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	for event := range w.ResultChan() {
		all = append(all, event)
	}
	return all
}

func isTheDeepOne(t *testing.T, errs []error) {
	t.Helper()
	require.Len(t, errs, 1)
	step, ok := errors.AsType[*kerr.Error](errs[0])
	require.True(t, ok)
	require.Equal(t, kerr.ClassUndecodable, step.Class())
	require.Equal(t, types.NamespacedName{Namespace: "ns", Name: "deep"}, step.Key)
	require.Equal(t, types.UID("d"), step.UID)
	require.ErrorContains(t, step, "remove its finalizers [example.com/f]")
}

// A process that has won the lease looks at the metadata of all objects before it works. managedFields are as
// deep as the object. Kills: a list of metadata that a decoder with a limit of depth reads.
func TestG6G11ADeepObjectDoesNotStopTheListOfMetadata(t *testing.T) {
	managed := `{"metadata":{"name":"deep","namespace":"ns","resourceVersion":"8","managedFields":[{"fieldsV1":` +
		strings.Repeat(`{"f:a":`, deepest) + "{}" + strings.Repeat("}", deepest) + `}]}}`
	for name, object := range map[string]string{"metadata": managed, "whole objects": deep(10 * deepest)} {
		a := &answering{code: http.StatusOK, body: `{"metadata":{"resourceVersion":"9","continue":"c"},"items":[` + object + `,` + one + `]}`}
		heads, ok := over(t, a).ListerWatcher().(repository.MetadataLister)
		require.True(t, ok)
		list, err := heads.ListMetadata(t.Context(), metav1.ListOptions{})
		require.NoError(t, err, name)
		require.Equal(t, metav1.ListMeta{ResourceVersion: "9", Continue: "c"}, list.ListMeta)
		require.Len(t, list.Items, 2)
		require.Equal(t, [2]string{"deep", "8"}, [2]string{list.Items[0].Name, list.Items[0].ResourceVersion})
		require.Equal(t, "n", list.Items[1].Name)
	}
}

// Kills: a list that a decoder with a limit of depth reads as a whole.
func TestG8G11ADeepObjectDoesNotStopTheList(t *testing.T) {
	for depth, want := range map[int][]string{deepest: {"deep", "n"}, deepest + 1: {"n"}, 10 * deepest: {"n"}} {
		a := &answering{code: http.StatusOK, body: `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[` + deep(depth) + `,` + one + `]}`}
		objs, err := over(t, a).List(t.Context(), "", metav1.ListOptions{})
		names := []string{}
		for _, obj := range objs {
			names = append(names, obj.Name)
		}
		require.Equal(t, want, names, depth)
		require.Equal(t, depth > deepest, err != nil)
		lw := over(t, a).ListerWatcher()
		if errs := collect(lw); depth > deepest {
			_, err := cache.ToListerWatcherWithContext(lw).ListWithContext(t.Context(), metav1.ListOptions{})
			require.NoError(t, err)
			isTheDeepOne(t, *errs)
		}
	}
}

// Kills: an event that a decoder with a limit of depth reads as a whole.
func TestG8G11ADeepObjectDoesNotStopTheWatch(t *testing.T) {
	for depth, want := range map[int]watch.EventType{deepest: watch.Added, deepest + 1: watch.Deleted, 10 * deepest: watch.Deleted} {
		lw := over(t, &answering{code: http.StatusOK, body: `{"type":"ADDED","object":` + deep(depth) + `}{"type":"ADDED","object":` + one + `}`}).ListerWatcher()
		errs := collect(lw)
		all := watched(t, lw)
		require.Len(t, all, 2)
		require.Equal(t, want, all[0].Type, depth)
		require.Equal(t, "8", all[0].Object.(*corev1.ConfigMap).ResourceVersion)
		require.Equal(t, watch.Added, all[1].Type)
		if depth > deepest {
			isTheDeepOne(t, *errs)
		}
	}
}

// Kills: an object that is too deep to be decoded, and is taken for a broken answer: a controller
// would call Cleanup for it although it is there.
func TestG3xG11AnObjectThatIsTooDeepIsUndecodable(t *testing.T) {
	key := types.NamespacedName{Namespace: "ns", Name: "deep"}
	repo := over(t, &answering{code: http.StatusOK, body: deep(deepest + 1)})
	_, err := repo.Get(t.Context(), key)
	require.Equal(t, kerr.ClassUndecodable, kerr.ClassOf(err), "%v", err)
	_, err = repo.GetUnstructured(t.Context(), key)
	require.Equal(t, kerr.ClassUndecodable, kerr.ClassOf(err), "%v", err)
	repo = over(t, &answering{code: http.StatusOK, body: deep(deepest)})
	_, err = repo.Get(t.Context(), key)
	require.NoError(t, err)
	got, err := repo.GetUnstructured(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, types.UID("d"), got.GetUID())
}

// keeping is a type whose UnmarshalJSON keeps its argument, against the rule.
type keeping struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	kept []byte
}

func (k *keeping) UnmarshalJSON(data []byte) error {
	k.APIVersion, k.Kind, k.kept = "example.com/v1", "keeping", data
	return nil
}

func (k *keeping) DeepCopyObject() runtime.Object { c := *k; return &c }

// of returns the repository of a Go type of a test.
func of[E any, T interface {
	*E
	repository.Object
}](t *testing.T, a http.RoundTripper) *repository.Live[T] {
	t.Helper()
	gv := schema.GroupVersion{Group: "example.com", Version: "v1"}
	s := runtime.NewScheme()
	s.AddKnownTypes(gv, T(new(E)))
	metav1.AddToGroupVersion(s, gv)
	repo, err := repository.New[E, T](&rest.Config{Host: "http://server.invalid", Transport: a}, s, gv.WithResource("things"))
	require.NoError(t, err)
	return repo
}

// Kills: memory of an event that is used for a later one.
func TestG17AnObjectThatKeepsWhatItWasDecodedFrom(t *testing.T) {
	var body strings.Builder
	object := func(i int) string { return fmt.Sprintf(`{"v":"%0100d"}`, i) }
	for i := range 1000 {
		body.WriteString(`{"type":"ADDED","object":` + object(i) + `}`)
	}
	all := watched(t, of[keeping](t, &answering{code: http.StatusOK, body: body.String()}).ListerWatcher())
	require.Len(t, all, 1000)
	for i, event := range all {
		require.Equal(t, object(i), string(event.Object.(*keeping).kept))
	}
}

// picky is a type whose UnmarshalJSON panics without a spec.
type picky struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
}

func (*picky) UnmarshalJSON(data []byte) error {
	if !strings.Contains(string(data), "spec") {
		panic("no spec")
	}
	return errors.New("it is not decoded either")
}

func (p *picky) DeepCopyObject() runtime.Object { c := *p; return &c }

// Kills: a 410 that becomes an error of a type that panics: nothing is listed anew.
func TestG8G12WhatAWatchSaysIsNotDecodedByTheType(t *testing.T) {
	event := func(kind, object string) watch.Event {
		t.Helper()
		all := watched(t, of[picky](t, &answering{code: http.StatusOK, body: `{"type":"` + kind + `","object":` + object + `}`}).ListerWatcher())
		require.Len(t, all, 1)
		return all[0]
	}
	expired := event("ERROR", `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"Expired","code":410}`)
	require.Equal(t, watch.Error, expired.Type)
	require.True(t, apierrors.IsResourceExpired(apierrors.FromObject(expired.Object)))
	mark := event("BOOKMARK", `{"kind":"picky","apiVersion":"example.com/v1","metadata":{"resourceVersion":"9","annotations":{"k8s.io/initial-events-end":"true"}}}`)
	require.Equal(t, watch.Bookmark, mark.Type)
	require.Equal(t, "9", mark.Object.(*picky).ResourceVersion)
	require.Equal(t, "true", mark.Object.(*picky).Annotations[metav1.InitialEventsAnnotationKey])
	for _, odd := range []string{`{"kind":"Status","code":"x","metadata":{"name":"victim"}}`, `{"kind":"picky","metadata":{"name":"victim"}}`, `null`} {
		require.Equal(t, watch.Error, event("ERROR", odd).Type, odd)
	}
	require.Equal(t, watch.Error, event("BOOKMARK", `"x"`).Type)
	require.Equal(t, watch.Error, event("NONE", `{"metadata":{"name":"victim"}}`).Type)
	require.Equal(t, watch.Deleted, event("ADDED", `{"metadata":{"name":"bad"}}`).Type, "objects are for the type")
}

// stream answers with an event that has no end.
type stream struct {
	mu   sync.Mutex
	read int
}

func (s *stream) RoundTrip(r *http.Request) (*http.Response, error) {
	event := strings.NewReader(`{"type":"ADDED","object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"n"},"data":{"k":"`)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(io.MultiReader(event, s)), Request: r}, nil
}

func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range p {
		p[i] = 'x'
	}
	if s.read += len(p); s.read > 200<<20 {
		return 0, io.EOF
	}
	return len(p), nil
}

// Kills: a watch that keeps an event in memory for as long as the server sends it.
func TestS3AnEventWithoutAnEndIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{}
		repo, err := repository.New[corev1.ConfigMap](&rest.Config{Host: "http://server.invalid", Transport: s}, scheme.Scheme, configMaps)
		require.NoError(t, err)
		all := watched(t, repo.ListerWatcher())
		require.Equal(t, watch.Error, all[len(all)-1].Type)
		require.Less(t, s.read, 20<<20)
	})
}
