package fault_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/fault"
)

func TestListsOfThePast(t *testing.T) {
	for name, c := range map[string]struct{ asked, want string }{
		"cached":           {"resourceVersion=0", "resourceVersion=50&resourceVersionMatch=Exact"},
		"cached, a page":   {"limit=500&resourceVersion=0", "resourceVersion=50&resourceVersionMatch=Exact"},
		"not older":        {"limit=5&resourceVersion=40&resourceVersionMatch=NotOlderThan", "limit=5&resourceVersion=50&resourceVersionMatch=Exact"},
		"not older, short": {"resourceVersion=50", "resourceVersion=50&resourceVersionMatch=Exact"},
		"with more":        {"labelSelector=a%3Db&resourceVersion=0", "labelSelector=a%3Db&resourceVersion=50&resourceVersionMatch=Exact"},
		"newest":           {"", ""},
		"newest, a page":   {"limit=5", "limit=5"},
		"exact":            {"resourceVersion=40&resourceVersionMatch=Exact", "resourceVersion=40&resourceVersionMatch=Exact"},
		"exact, of old":    {"resourceVersion=40&limit=5", "resourceVersion=40&limit=5"},
		"next page":        {"continue=x&resourceVersion=0", "continue=x&resourceVersion=0"},
		"a watch":          {"watch=true&resourceVersion=40", "watch=true&resourceVersion=40"},
	} {
		t.Run(name, func(t *testing.T) {
			got := "nothing"
			cfg := &rest.Config{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				got = r.URL.RawQuery
				return answering("application/json", "{}")(r)
			})}
			injector, err := fault.New()
			require.NoError(t, err)
			injector.TimeTravel("configmaps", 50)
			client, err := rest.HTTPClientFor(injector.Config(cfg))
			require.NoError(t, err)
			get := func(resource, query string) {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server/api/v1/"+resource+"?"+query, http.NoBody)
				require.NoError(t, err)
				response, err := client.Do(r)
				require.NoError(t, err)
				require.NoError(t, response.Body.Close())
			}
			get("configmaps", c.asked)
			require.Equal(t, c.want, got)
			get("secrets", c.asked)
			require.Equal(t, c.asked, got, "another resource is in the present")
			injector.Watches("configmaps").Release()
			get("configmaps", c.asked)
			require.Equal(t, c.asked, got)
		})
	}
}

func TestTimeTravel(t *testing.T) {
	simulated(t, func(t *testing.T, w *world) {
		w.create(t, "a")
		past := w.create(t, "b")
		later := w.create(t, "c")
		w.create(t, "d")
		require.NoError(t, w.direct.CoreV1().ConfigMaps(w.namespace).Delete(t.Context(), "a", metav1.DeleteOptions{}))

		injector := fault.For(t)
		maps := w.client(t, injector).CoreV1().ConfigMaps(w.namespace)
		list := func(opts metav1.ListOptions) (names string) {
			all, err := maps.List(t.Context(), opts)
			require.NoError(t, err)
			for i := range all.Items {
				names += all.Items[i].Name
			}
			return names
		}
		travel := injector.TimeTravel("configmaps", fault.RV(past))
		require.Equal(t, "ab", list(metav1.ListOptions{ResourceVersion: "0"}))
		require.Equal(t, "bcd", list(metav1.ListOptions{}))
		_, err := maps.List(t.Context(), metav1.ListOptions{ResourceVersion: later.ResourceVersion})
		require.True(t, apierrors.IsTimeout(err), err)
		require.True(t, apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge))
		_, err = maps.Watch(t.Context(), metav1.ListOptions{SendInitialEvents: new(true), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan})
		require.True(t, apierrors.IsInvalid(err), err)

		watching, err := maps.Watch(t.Context(), metav1.ListOptions{ResourceVersion: past.ResourceVersion})
		require.NoError(t, err)
		defer watching.Stop()
		require.True(t, nothing(watching))
		travel.ReleaseTo(fault.RV(later))
		require.Equal(t, "ADDED c", next(watching))
		require.True(t, nothing(watching))
		require.Equal(t, "abc", list(metav1.ListOptions{ResourceVersion: "0"}))
		travel.Release()
		require.Equal(t, "ADDED d", next(watching))
		require.Equal(t, "DELETED a", next(watching))
		require.Equal(t, "bcd", list(metav1.ListOptions{ResourceVersion: "0"}))
	})
}

func TestVersionsAreNumbers(t *testing.T) {
	object := configMap("a")
	require.Zero(t, fault.RV(object))
	object.ResourceVersion = "123"
	require.EqualValues(t, 123, fault.RV(object))
}
