package sim_test

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/test/sim"
)

func TestOnChange(t *testing.T) {
	var changes []sim.Change
	srv, _ := start(t, sim.Options{Kinds: sim.Core("configmaps"), OnChange: func(c sim.Change) {
		if c.Resource.Resource == "configmaps" {
			changes = append(changes, c)
		}
	}})
	maps := configMaps(t, srv.Session("me").Config())
	a := create(t, maps, "a")
	a.Data = map[string]string{"k": "v"}
	a, err := maps.Update(t.Context(), a, metav1.UpdateOptions{})
	require.NoError(t, err)
	_, err = maps.Update(t.Context(), a, metav1.UpdateOptions{}) // changes nothing
	require.NoError(t, err)
	_, err = maps.Update(t.Context(), a, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
	require.NoError(t, err)
	_, err = maps.Patch(t.Context(), "a", types.ApplyPatchType, []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"l":"1"}}}`), metav1.PatchOptions{FieldManager: "m"})
	require.NoError(t, err)
	require.NoError(t, maps.Delete(t.Context(), "a", metav1.DeleteOptions{}))

	var got []string
	for i, c := range changes {
		got = append(got, fmt.Sprintf("%s %s %s", c.Session, c.Verb, c.Type))
		require.Equal(t, types.NamespacedName{Namespace: "default", Name: "a"}, c.Key)
		require.Equal(t, c.Verb != "create", c.Before != nil)
		require.Equal(t, c.Verb != "delete", c.After != nil)
		if i > 0 {
			require.Greater(t, c.RV, changes[i-1].RV)
			require.Equal(t, changes[i-1].After, c.Before)
		}
	}
	require.Equal(t, []string{"me create ADDED", "me update MODIFIED", "me apply MODIFIED", "me delete DELETED"}, got)
	require.Equal(t, srv.RV(), changes[3].RV)
	require.Equal(t, map[string]string{"l": "1"}, changes[2].After.GetLabels())
}

func TestSeed(t *testing.T) {
	names := func(seed uint64) (out []string) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps"), Seed: seed})
		require.NoError(t, err)
		defer srv.Close()
		for range 3 {
			cm := configMap("")
			cm.GenerateName = "x-"
			cm, err := configMaps(t, srv.Config()).Create(t.Context(), cm, metav1.CreateOptions{})
			require.NoError(t, err)
			out = append(out, cm.Name, string(cm.UID))
		}
		return out
	}
	first, again := names(7), names(7)
	require.Equal(t, first, again)
	require.NotEqual(t, names(7), names(8))
}

// Nothing is lost when several clients write one object.
func TestConcurrentWriters(t *testing.T) {
	srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps")})
	maps := client.CoreV1().ConfigMaps("default")
	create(t, maps, "a")
	writers, writes := 8, 20
	if testing.Short() {
		writers = 4
	}
	var all sync.WaitGroup
	for n := range writers {
		own := configMaps(t, srv.Session(fmt.Sprint(n)).Config())
		all.Go(func() {
			for i := range writes {
				for {
					cm, err := own.Get(t.Context(), "a", metav1.GetOptions{})
					if err == nil {
						cm.Annotations = map[string]string{"sum": sum(cm.Annotations["sum"])}
						_, err = own.Update(t.Context(), cm, metav1.UpdateOptions{})
					}
					if err == nil {
						break
					}
					if !apierrors.IsConflict(err) {
						t.Errorf("update: %v", err)
						return
					}
				}
				label := fmt.Appendf(nil, `{"metadata":{"labels":{"l-%d-%d":"x"}}}`, n, i)
				if _, err := own.Patch(t.Context(), "a", types.MergePatchType, label, metav1.PatchOptions{}); err != nil {
					t.Errorf("patch: %v", err)
				}
			}
		})
	}
	all.Wait()
	cm, err := maps.Get(t.Context(), "a", metav1.GetOptions{})
	require.NoError(t, err)
	require.Len(t, cm.Labels, writers*writes, "a patch is never lost")
	require.Equal(t, fmt.Sprint(writers*writes), cm.Annotations["sum"], "nor an update")
}

func sum(text string) string {
	n, _ := strconv.Atoi(text) // empty is 0
	return strconv.Itoa(n + 1)
}
