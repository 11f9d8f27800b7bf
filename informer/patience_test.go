package informer_test

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// TestS9AWatchIsBackWithinSeconds: the server does not accept the credentials for half an hour, from the start
// and later, when the watch has ended. The handlers know what there is 5 s after it does; until then it is asked
// every 3 s, and the failure is reported twice a minute. Kills: the reflector's own wait.
func TestS9AWatchIsBackWithinSeconds(t *testing.T) {
	refusedFor(t, apierrors.NewUnauthorized("who are you?"))
}

// TestS9AWatchIsBackWithinSecondsOfTheAuthority is the same for a server whose certificate is of an authority that
// comes half an hour late.
func TestS9AWatchIsBackWithinSecondsOfTheAuthority(t *testing.T) {
	refusedFor(t, &url.Error{Op: "Get", URL: "https://server", Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}})
}

func refusedFor(t *testing.T, refusal error) {
	t.Helper()
	modes(t, func(t *testing.T, o *origin) {
		everything := func(asked) bool { return true }
		outage := func(d *diary) {
			before := o.count(everything)
			settle(30 * time.Minute)
			require.Less(t, o.count(everything)-before, 30*(20+2), "every 3 s, and probes")
			require.InDelta(t, 60, len(d.errors()), 40)
			require.Empty(t, d.read())
			o.refuseWith(nil)
			settle(5 * time.Second)
		}
		o.serve(t)
		refused := func(asked) error { return refusal }
		o.refuseWith(refused)
		in, d, _ := subscribed(t, o, nil)
		outage(d)
		require.Equal(t, []string{"a/1", "a/2"}, names(list(t, in)))
		require.Equal(t, []string{"added a/1", "added a/2"}, d.read())

		o.refuseWith(refused)
		o.mu.Lock()
		taps := maps.Clone(o.taps)
		o.mu.Unlock()
		for tap := range taps {
			tap.end()
		}
		o.silence()
		settle(time.Second)
		o.set(cm("a", "3"))
		outage(d)
		require.Equal(t, []string{"added a/3"}, d.read())
	})
}
