package fault_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

// A request that is late arrives although the client has given it up.
func TestLateRequestsArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
		require.NoError(t, err)
		defer srv.Close()
		admin := kubernetes.NewForConfigOrDie(srv.Config())
		late := kubernetes.NewForConfigOrDie(fault.For(t, fault.On("create", "configmaps").Then(fault.Late(time.Minute))).Config(srv.Config()))
		create := func(ctx context.Context, name string) error {
			_, err := late.CoreV1().ConfigMaps("default").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
			return err
		}
		there := func() (names []string) {
			all, err := admin.CoreV1().ConfigMaps("default").List(t.Context(), metav1.ListOptions{})
			require.NoError(t, err)
			for _, cm := range all.Items {
				names = append(names, cm.Name)
			}
			return names
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, create(ctx, "given-up"), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
		require.Empty(t, there())
		require.NoError(t, create(t.Context(), "waited-for"))
		require.Equal(t, time.Minute+time.Second, time.Since(began))
		require.Equal(t, []string{"given-up", "waited-for"}, there())
	})
}
