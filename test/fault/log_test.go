package fault_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/test/fault"
)

func TestFaultsThatDidNotHappenFailTheTest(t *testing.T) {
	const get = "GET /api/v1/namespaces/default/configmaps/a"
	got := recorded(func(fake testing.TB) {
		injector := fault.For(fake,
			fault.On("get", "configmaps").Nth(1).Then(fault.Call(func() {})),
			fault.On("get", "configmaps").Nth(2, 4, 5).Then(fault.Call(func() {})),
			fault.On("get", "configmaps").Nth(9).Then(fault.Drop()),
			fault.On("patch", "configmaps").Named("a").In("b").Then(fault.Delay(1), fault.Conflict()))
		injector.Clear()
		require.NoError(t, injector.Add(
			fault.On("get", "configmaps").Times(9).Then(fault.Call(func() {})),
			fault.On("get", "configmaps").Nth(2, 4, 5).Then(fault.Call(func() {})),
			fault.On("get", "configmaps").Matching(contains("")).Nth(9).Then(fault.Drop())))
		w := newWire(t, injector)
		injector.Watches("deployments.apps").Hold()
		injector.Watches("secrets")
		for range 3 {
			require.False(t, w.fails(get))
		}
	})
	require.Equal(t, []string{
		`fault: did not happen:`,
		`On("get", "configmaps").Nth(1).Then(Call(…)): never applied, it matched 0 requests`,
		`On("get", "configmaps").Nth(2, 4, 5).Then(Call(…)): never applied, it matched 0 requests`,
		`On("get", "configmaps").Nth(9).Then(Drop()): never applied, it matched 0 requests`,
		`On("patch", "configmaps").Named("a").In("b").Then(Delay(1ns), Conflict()): never applied, it matched 0 requests`,
		`On("get", "configmaps").Nth(2, 4, 5).Then(Call(…)): never applied, it matched 3 requests`,
		`On("get", "configmaps").Matching(…).Nth(9).Then(Drop()): never applied, it matched 3 requests`,
		`Watches("deployments.apps"): there was none`,
	}, strings.Split(got, "\n\t"))
}

func TestNumbersThatWereNotReachedAreUnused(t *testing.T) {
	injector, err := fault.New(fault.On("get", "configmaps").Nth(2, 4, 5).Then(fault.Call(func() {})))
	require.NoError(t, err)
	w := newWire(t, injector)
	for range 3 {
		require.False(t, w.fails("GET /api/v1/namespaces/default/configmaps/a"))
	}
	require.Equal(t, []string{`On("get", "configmaps").Nth(2, 4, 5).Then(Call(…)): not applied to number 4, 5, it matched 3 requests`}, injector.Unused())
}

func TestWhatHappenedIsNoFailure(t *testing.T) {
	require.Empty(t, recorded(func(fake testing.TB) {
		injector := fault.For(fake, fault.On("get", "configmaps").Nth(1).Then(fault.NotSent()), fault.On("get", "configmaps").Times(5).Then(fault.NotSent()))
		w := newWire(t, injector)
		require.True(t, w.fails("GET /api/v1/namespaces/default/configmaps/a"))
		require.True(t, w.fails("GET /api/v1/namespaces/default/configmaps/a"))
	}))
	simulated(t, func(t *testing.T, w *world) {
		require.Empty(t, recorded(func(fake testing.TB) {
			injector := fault.For(fake)
			injector.Watches("configmaps").Hold()
			watching := w.watch(t, w.client(t, injector))
			watching.Stop()
		}))
	})
}

func TestLog(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		injector := fault.For(t, fault.On("list", "configmaps").Nth(2).Then(fault.Forbidden()), fault.On("get", "/version").Then(fault.Timeout()))
		client := w.client(t, injector)
		for range 3 {
			_, _ = client.CoreV1().ConfigMaps(w.namespace).List(t.Context(), metav1.ListOptions{Limit: 7})
		}
		_, err := client.Discovery().ServerVersion()
		require.Error(t, err)
		require.Equal(t, []fault.Entry{
			{Rule: `On("list", "configmaps").Nth(2).Then(Forbidden())`, Method: "GET", URL: "/api/v1/namespaces/default/configmaps?limit=7", Nth: 2},
			{Rule: `On("get", "/version").Then(Timeout())`, Method: "GET", URL: "/version", Nth: 1},
		}, withoutTimeout(injector.Log()))
		require.Equal(t, `GET /api/v1/namespaces/default/configmaps?limit=7: number 2 of On("list", "configmaps").Nth(2).Then(Forbidden())`, injector.Log()[0].String())
	})
}

// withoutTimeout removes what discovery adds to its requests.
func withoutTimeout(log []fault.Entry) []fault.Entry {
	for i := range log {
		log[i].URL, _, _ = strings.Cut(log[i].URL, "?timeout=")
	}
	return log
}
