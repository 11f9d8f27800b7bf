package sim_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/test/sim"
)

// What one of the two APIs of Events writes, the other shows, with its own names of fields.
func TestEventsHaveTwoAPIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := start(t, sim.Options{Kinds: sim.Core("events", "events.events.k8s.io")})
		defer srv.Close()
		old, current := client.CoreV1().Events("default"), client.EventsV1().Events("default")
		changes, err := old.Watch(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=a"})
		require.NoError(t, err)
		defer changes.Stop()
		about := corev1.ObjectReference{Kind: "ConfigMap", Namespace: "default", Name: "a"}
		_, err = current.Create(t.Context(), &eventsv1.Event{
			ObjectMeta: metav1.ObjectMeta{Name: "e"}, Regarding: about, Note: "hello", Reason: "R", Type: "Normal",
			EventTime: metav1.NowMicro(), Action: "A", ReportingController: "c", ReportingInstance: "i",
		}, metav1.CreateOptions{})
		require.NoError(t, err)

		got, err := old.Get(t.Context(), "e", metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, about, got.InvolvedObject)
		require.Equal(t, "hello", got.Message)
		require.Equal(t, "c", got.ReportingController)
		seen := (<-changes.ResultChan()).Object.(*corev1.Event)
		require.Equal(t, got.ResourceVersion, seen.ResourceVersion)
		require.Equal(t, "hello", seen.Message)

		got.Message, got.Count = "again", 2
		_, err = old.Update(t.Context(), got, metav1.UpdateOptions{})
		require.NoError(t, err)
		list, err := current.List(t.Context(), metav1.ListOptions{FieldSelector: "regarding.name=a,reportingController=c"})
		require.NoError(t, err)
		require.Len(t, list.Items, 1)
		require.Equal(t, "again", list.Items[0].Note)
		require.Equal(t, int32(2), list.Items[0].DeprecatedCount)
		require.Equal(t, about, list.Items[0].Regarding)

		next := list.Items[0].DeepCopy()
		next.Labels = map[string]string{"seen": "yes"}
		_, err = current.Update(t.Context(), next, metav1.UpdateOptions{})
		require.NoError(t, err)
		require.NoError(t, old.Delete(t.Context(), "e", metav1.DeleteOptions{}))
		none, err := current.List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Empty(t, none.Items)
	})
}
