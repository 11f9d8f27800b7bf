package repository_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/internal/fence"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

// TestAJobTakesItsPodsAlong: the server leaves them where they are if it is asked nothing.
// Kills: a deletion without a policy.
func TestAJobTakesItsPodsAlong(t *testing.T) {
	for name, c := range map[string]struct {
		opts []repository.DeleteOption
		left bool
	}{
		"by default": {nil, false},
		"foreground": {[]repository.DeleteOption{repository.Foreground()}, false},
		"orphan":     {[]repository.DeleteOption{repository.Orphan()}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv, err := sim.New(sim.Options{Kinds: sim.Core("jobs.batch", "pods"), Namespaces: []string{"ns"}, GarbageCollection: true})
			require.NoError(t, err)
			defer srv.Close()
			cs, err := kubernetes.NewForConfig(srv.Config())
			require.NoError(t, err)
			jobs := repository.FromClient(cs, batchv1.SchemeGroupVersion.WithKind("Job"), cs.BatchV1().Jobs)
			pods := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("Pod"), cs.CoreV1().Pods)
			spec := corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "c", Image: "i"}}}
			job, err := jobs.Create(t.Context(), &batchv1.Job{
				ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "backup"}, Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: spec}},
			})
			require.NoError(t, err)
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "backup-x"}, Spec: spec}
			require.NoError(t, repository.SetController(job, jobs.Kind(), pod))
			_, err = pods.Create(t.Context(), pod)
			require.NoError(t, err)

			require.NoError(t, jobs.Delete(t.Context(), job, c.opts...))
			time.Sleep(time.Minute) // of virtual time
			_, err = jobs.Get(t.Context(), repository.Key(job))
			require.True(t, apierrors.IsNotFound(err), name)
			_, err = pods.Get(t.Context(), repository.Key(pod))
			require.Equal(t, c.left, err == nil, "%s: %v", name, err)
		})
	}
}

var ofDB = labels.SelectorFromSet(labels.Set{"db": "a"})

// labelled creates ConfigMaps that the selector selects, and one that it does not.
func labelled(t *testing.T, repo *repository.Live[*corev1.ConfigMap], names ...string) {
	t.Helper()
	for _, name := range append(names, "stranger") {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, Labels: map[string]string{"db": "a"}}}
		if name == "stranger" {
			cm.Labels = nil
		}
		_, err := repo.Create(t.Context(), cm)
		require.NoError(t, err)
	}
}

func names(t *testing.T, repo *repository.Live[*corev1.ConfigMap]) (names []string) {
	t.Helper()
	all, err := repo.List(t.Context(), "ns", metav1.ListOptions{})
	require.NoError(t, err)
	for _, cm := range all {
		names = append(names, cm.Name)
	}
	return names
}

// Kills: a deletion of what the selector does not select, one that the attempt does not know of.
func TestDeleteAllOf(t *testing.T) {
	s, repo := setup(t)
	labelled(t, repo, "one", "two")
	held := owned(t, nil)
	held.Labels, held.Finalizers = map[string]string{"db": "a"}, []string{"example.com/held"}
	_, err := repo.Create(t.Context(), held)
	require.NoError(t, err)

	at := journal.New(t.Context(), journal.Config{Kind: parentKind})
	defer at.End()
	found, err := repo.DeleteAllOf(at.Context(), "ns", ofDB, repository.DryRun())
	require.NoError(t, err)
	require.Equal(t, 3, found)
	require.Zero(t, at.Count())
	require.Len(t, names(t, repo), 4)

	found, err = repo.DeleteAllOf(at.Context(), "ns", ofDB)
	require.NoError(t, err)
	require.Equal(t, 3, found)
	require.Equal(t, []string{"child", "stranger"}, names(t, repo))
	require.Equal(t, 3, at.Count())
	for ref, w := range at.All() {
		require.Equal(t, journal.Deleted, w.Outcome, ref)
		require.NotEmpty(t, w.UID, ref)
	}

	before := s.writes()
	found, err = repo.DeleteAllOf(at.Context(), "ns", ofDB)
	require.NoError(t, err)
	require.Equal(t, 1, found, "the one that a finalizer holds is not gone")
	require.Equal(t, 3, at.Count(), "and is not deleted twice")
	require.Equal(t, before, s.writes())
	found, err = repo.DeleteAllOf(t.Context(), "ns", labels.SelectorFromSet(labels.Set{"db": "b"}))
	require.NoError(t, err)
	require.Zero(t, found)
}

// Kills: a missing selector that deletes everything, and one that selects nothing and is sent
// as one that selects everything.
func TestDeleteAllOfDeletesNothingByAccident(t *testing.T) {
	s, repo := setup(t)
	labelled(t, repo, "one")
	before := s.writes()
	for _, everything := range []labels.Selector{nil, labels.Everything(), labels.SelectorFromSet(nil), labels.NewSelector(), mute{labels.Everything()}} {
		_, err := repo.DeleteAllOf(t.Context(), "ns", everything)
		require.ErrorContains(t, err, "selector")
		require.ErrorContains(t, err, "delete ConfigMap")
		require.Equal(t, kerr.ClassTerminal, kerr.ClassOf(err))
	}
	found, err := repo.DeleteAllOf(t.Context(), "ns", labels.Nothing())
	require.NoError(t, err)
	require.Zero(t, found)
	require.Equal(t, before, s.writes())
}

// mute is a selector of its own kind that says nothing of what it selects.
type mute struct{ labels.Selector }

func (mute) Empty() bool { return false }

// Kills: a deletion of what has taken the name of an object since the list, and of what is
// ours no more.
func TestG4DeleteAllOfSparesWhatCameLater(t *testing.T) {
	var during func()
	rule := fault.On("delete", "configmaps").Nth(1).Then(fault.Call(func() { during() }))
	s := serve(t, rule)
	repo := repository.FromClient(s.client, corev1.SchemeGroupVersion.WithKind("ConfigMap"), s.client.CoreV1().ConfigMaps)
	other, err := kubernetes.NewForConfig(s.Config())
	require.NoError(t, err)
	maps := other.CoreV1().ConfigMaps("ns")
	labelled(t, repo, "gone", "mine", "recreated")
	during = func() {
		ctx := context.WithoutCancel(t.Context())
		require.NoError(t, maps.Delete(ctx, "gone", metav1.DeleteOptions{}))
		require.NoError(t, maps.Delete(ctx, "recreated", metav1.DeleteOptions{}))
		_, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "recreated"}}, metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = maps.Patch(ctx, "mine", types.MergePatchType, []byte(`{"metadata":{"labels":null}}`), metav1.PatchOptions{})
		require.NoError(t, err)
	}
	found, err := repo.DeleteAllOf(t.Context(), "ns", ofDB, repository.IfUnchanged())
	require.Equal(t, 3, found)
	require.Equal(t, kerr.ClassConflict, kerr.ClassOf(err), "%v", err)
	require.ErrorContains(t, err, "ns/mine")
	require.NotContains(t, err.Error(), "ns/gone")
	require.Equal(t, []string{"mine", "recreated", "stranger"}, names(t, repo))
}

// Kills: errors without a bound, and one that ends the deletion of the others.
func TestDeleteAllOfJoinsWhatFails(t *testing.T) {
	_, repo := setup(t, fault.On("delete", "configmaps").Named("n30").Then(fault.Conflict()), fault.On("delete", "configmaps").Times(30).Then(fault.Forbidden()))
	var all []string
	for n := range 35 {
		all = append(all, fmt.Sprintf("n%02d", n))
	}
	labelled(t, repo, all...)
	found, err := repo.DeleteAllOf(t.Context(), "ns", ofDB)
	require.Equal(t, 35, found)
	require.Equal(t, 11, strings.Count(err.Error(), "delete ConfigMap"), "%v", err)
	require.ErrorContains(t, err, "and 20 more")
	require.ErrorContains(t, err, "ns/n30", "the first conflict")
	require.Equal(t, kerr.ClassForbidden, kerr.ClassOf(err))
	require.Len(t, names(t, repo), 32)
}

// Kills: a client that goes on although it may not, or is asked not to.
func TestDeleteAllOfEndsEarly(t *testing.T) {
	second := func(o fault.Outcome) *fault.Rule { return fault.On("delete", "configmaps").Nth(2).Then(o) }
	var at *journal.Journal
	var open *fence.Fence
	for name, end := range map[string]struct {
		rule  *fault.Rule
		after func() // the first deletion
		class kerr.Class
	}{
		"the server asks to slow down": {second(fault.TooManyRequests(0)), func() {}, kerr.ClassThrottled},
		"the lease is over":            {nil, func() { open.Close(errors.New("another process has it")) }, kerr.ClassNotLeader},
		"the attempt is over":          {second(fault.Call(func() { at.Fail(context.DeadlineExceeded) })), func() {}, kerr.ClassAmbiguous}, // of the deletion that was cut off
	} {
		var rules []*fault.Rule
		if end.rule != nil {
			rules = append(rules, end.rule)
		}
		s := serve(t)
		cfg := fault.For(t, rules...).Config(s.Config())
		repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, configMaps)
		require.NoError(t, err)
		labelled(t, repo, "one", "three", "two")
		open = fence.New("ns/me", time.Minute)
		open.Renew(time.Now())
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return afterDeletion{next, sync.OnceFunc(end.after)}
		})
		repo, err = repository.New[corev1.ConfigMap](cfg, scheme.Scheme, configMaps)
		require.NoError(t, err)
		at = journal.New(fence.With(t.Context(), open), journal.Config{Kind: parentKind})
		_, err = repo.DeleteAllOf(at.Context(), "ns", ofDB)
		require.Equal(t, end.class, kerr.ClassOf(err), "%s: %v", name, err)
		require.Contains(t, names(t, repo), "two", name)
		at.End()
	}
}

// afterDeletion calls a function when the answer to a deletion is there.
type afterDeletion struct {
	next  http.RoundTripper
	after func()
}

func (a afterDeletion) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := a.next.RoundTrip(r)
	if err != nil || r.Method != http.MethodDelete {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(bytes.NewReader(body))
	a.after()
	return answer, err
}

// Kills: a list or a deletion in a namespace that the repository is not confined to.
func TestS5DeleteAllOfIsConfined(t *testing.T) {
	a := &answering{code: http.StatusOK, body: one}
	repo := over(t, a, repository.InNamespaces("a", "b"))
	_, err := repo.DeleteAllOf(t.Context(), "ns", ofDB)
	require.Equal(t, kerr.ClassForbidden, kerr.ClassOf(err))
	_, err = repo.DeleteAllOf(t.Context(), "", ofDB)
	require.ErrorIs(t, err, kerr.ErrUnnamed)
	require.Empty(t, a.asked)
}

// A Job's Pods go with it. Whoever wants them to stay says so.
func ExampleLive_Delete() {
	cs := fake.NewClientset(&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "backup"}})
	jobs := repository.FromClient(cs, batchv1.SchemeGroupVersion.WithKind("Job"), cs.BatchV1().Jobs)
	ctx := context.Background()
	job, err := jobs.Get(ctx, types.NamespacedName{Namespace: "shop", Name: "backup"})
	if err != nil {
		panic(err)
	}
	fmt.Println(jobs.Delete(ctx, job, repository.IfUnchanged(), repository.Foreground()))
	fmt.Println(jobs.Delete(ctx, job), "since it is gone already")
	// Output:
	// <nil>
	// <nil> since it is gone already
}

// Cleanup ends when all that it made is gone.
func ExampleLive_DeleteAllOf() {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db-0", Labels: map[string]string{"db": "orders"}}}
	cs := fake.NewClientset(pod)
	pods := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("Pod"), cs.CoreV1().Pods)
	mine := labels.SelectorFromSet(labels.Set{"db": "orders"})
	for range 2 {
		left, err := pods.DeleteAllOf(context.Background(), "shop", mine)
		fmt.Println(left, err)
	}
	// Output:
	// 1 <nil>
	// 0 <nil>
}
