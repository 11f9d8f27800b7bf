package controllerruntime

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// nothing is a cache that is empty.
type nothing struct{ client.Reader }

func (nothing) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errors.New("there is nothing")
}

// kept returns how much is kept of names.
func (q *requests) kept() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.busy) + len(q.tries) + len(q.later) + len(q.paused)
}

// Memory follows the names that wait, run, fail or are paused, and not those that ever were.
func TestNothingIsKeptOfNamesThatAreDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newRequests(objects{nothing{}, &corev1.ConfigMap{}})
		r := request{NamespacedName: types.NamespacedName{Namespace: "default", Name: "a"}}
		q.Add(r)
		for i := range 3 {
			got, shutdown := q.Get()
			require.Equal(t, r, got)
			require.False(t, shutdown)
			q.begun(r, state{})
			q.AddAfter(r, time.Hour)
			if i < 2 {
				q.failed(r, errors.New("no"))
				q.AddRateLimited(r)
			} else {
				q.ended(r)
				q.Forget(r)
			}
			q.Done(r)
		}
		require.Equal(t, 1, q.kept(), "the timer")
		time.Sleep(time.Hour)
		_, _ = q.Get()
		q.Done(r)
		require.Zero(t, q.kept())
		require.Zero(t, q.work.Stats().Retrying)
		q.AddAfter(r, time.Hour)
		q.ShutDownWithDrain()
		require.True(t, q.ShuttingDown())
		q.AddAfter(r, time.Hour)
		require.Zero(t, q.kept())
		_, shutdown := q.Get()
		require.True(t, shutdown)
	})
}

// What counts as an edit.
func TestEdits(t *testing.T) {
	now := metav1.Now()
	before := state{}
	for _, step := range []struct {
		obj  metav1.ObjectMeta
		data string
		edit bool
	}{
		{metav1.ObjectMeta{UID: "1", Generation: 1, ResourceVersion: "1"}, "", true},
		{metav1.ObjectMeta{UID: "1", Generation: 1, ResourceVersion: "2", Finalizers: []string{"a"}}, "x", false},
		{metav1.ObjectMeta{UID: "1", Generation: 2, ResourceVersion: "3"}, "x", true},
		{metav1.ObjectMeta{UID: "1", Generation: 2, Labels: map[string]string{"a": "b"}}, "x", true},
		{metav1.ObjectMeta{UID: "1", Generation: 2, Annotations: map[string]string{"a": "b"}}, "x", true},
		{metav1.ObjectMeta{UID: "1", Generation: 2, DeletionTimestamp: &now}, "x", true},
		{metav1.ObjectMeta{UID: "2"}, "x", true},
		{metav1.ObjectMeta{UID: "2", ResourceVersion: "7"}, "x", false},
		{metav1.ObjectMeta{UID: "2", ResourceVersion: "8"}, "y", true},
	} {
		after := stateOf(&corev1.ConfigMap{ObjectMeta: step.obj, Data: map[string]string{"a": step.data}})
		require.Equal(t, step.edit, after != before, "%v", step)
		before = after
	}
	one := stateOf(&metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{UID: "1", ResourceVersion: "1"}})
	two := stateOf(&metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{UID: "1", ResourceVersion: "2"}})
	require.NotEqual(t, one, two, "of metadata alone nothing else is known")
	status := &corev1.Service{ObjectMeta: metav1.ObjectMeta{UID: "1"}}
	without := stateOf(status)
	status.Status.Conditions = []metav1.Condition{{Type: "Ready"}}
	require.Equal(t, without, stateOf(status))
}
