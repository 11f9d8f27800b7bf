package informer_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
)

// TestG11OnUndecodable is told the key, after the handlers. Kills: not called, and
// (G12) no recover.
func TestG11OnUndecodable(t *testing.T) {
	modes(t, func(t *testing.T, o *origin) {
		o.serve(t)
		d := newDiary()
		var keys []types.NamespacedName
		var told []error
		in, err := informer.New(o, &informer.Options{OnUndecodable: func(key types.NamespacedName, err error) {
			keys, told = append(keys, key), append(told, err)
			require.Len(t, d.errors(), 1, "the handler was told before")
			if key.Name == "panics" {
				panic("in OnUndecodable")
			}
		}})
		require.NoError(t, err)
		sub, err := in.Subscribe(t.Context(), d)
		require.NoError(t, err)
		settle(time.Second)
		bad := func(name string) error {
			key := types.NamespacedName{Namespace: "a", Name: name}
			return kerr.New(kerr.OpDecode, corev1.SchemeGroupVersion.WithKind("ConfigMap"), key, "u", kerr.Mark(kerr.ClassUndecodable, errors.New("no")))
		}
		o.bad(bad("1"))
		require.Empty(t, d.errors())
		o.bad(bad("panics"))
		errs := d.errors()
		require.Len(t, errs, 1)
		require.Equal(t, kerr.ClassPanic, kerr.ClassOf(errs[0]))
		require.ErrorContains(t, errs[0], "decode ConfigMap a/panics: panic: in OnUndecodable")
		o.bad(errors.New("of an unknown object"))
		require.Equal(t, []types.NamespacedName{{Namespace: "a", Name: "1"}, {Namespace: "a", Name: "panics"}, {}}, keys)
		require.Equal(t, kerr.ClassUndecodable, kerr.ClassOf(told[0]))
		require.NoError(t, sub.Stop())
	})
}

// TestG11ProbesDoNotReportWhatIsUndecodable again and again.
func TestG11ProbesDoNotReportWhatIsUndecodable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(cm("a", "1"))
		o.serve(t)
		o.badItem = errors.New("does not fit")
		_, d, _ := subscribed(t, o, nil)
		settle(time.Hour)
		require.Greater(t, o.count(isProbe), 40)
		require.Equal(t, []error{o.badItem}, d.errors())
	})
}
