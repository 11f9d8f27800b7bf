package credentials_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/internal/credentials"
)

// TestS9OnlyOurRefusalsAreMarked: what was marked for the same credentials is found in any tree, and nothing else is.
func TestS9OnlyOurRefusalsAreMarked(t *testing.T) {
	cfg := &rest.Config{Host: "https://server", BearerTokenFile: "/token"}
	same := rest.CopyConfig(cfg)
	same.UserAgent, same.QPS = "another", 7
	same.Wrap(func(next http.RoundTripper) http.RoundTripper { return next })
	ours := credentials.Of(cfg)
	require.Equal(t, ours, credentials.Of(same))
	for name, change := range map[string]func(*rest.Config){
		"server": func(c *rest.Config) { c.Host = "https://tenant" }, "token": func(c *rest.Config) { c.BearerToken = "secret" },
		"file": func(c *rest.Config) { c.BearerTokenFile = "/other" }, "certificate": func(c *rest.Config) { c.CertData = []byte("x") },
		"authority": func(c *rest.Config) { c.CAFile = "/ca" }, "user": func(c *rest.Config) { c.Username = "me" },
	} {
		other := rest.CopyConfig(cfg)
		change(other)
		require.NotEqual(t, ours, credentials.Of(other), name)
		for _, refusal := range []error{apierrors.NewUnauthorized("no"), fmt.Errorf("get: %w", &tls.CertificateVerificationError{Err: errors.New("unknown authority")})} {
			marked, theirs := credentials.Mark(ours, refusal), credentials.Mark(credentials.Of(other), refusal)
			require.EqualError(t, marked, refusal.Error())
			require.ErrorIs(t, marked, refusal)
			require.True(t, credentials.IsMarked(ours, fmt.Errorf("apply: %w", errors.Join(theirs, marked))))
			require.False(t, credentials.IsMarked(ours, theirs))
			require.False(t, credentials.IsMarked(ours, refusal))
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", theirs, theirs, theirs), "secret")
		}
	}
	for _, err := range []error{nil, errors.New("any"), apierrors.NewInternalError(errors.New("any"))} {
		require.Equal(t, err, credentials.Mark(ours, err))
		require.False(t, credentials.IsMarked(ours, err))
	}
	refusal := apierrors.NewUnauthorized("no")
	require.False(t, credentials.IsMarked(nil, credentials.Mark(nil, refusal)), "nothing is known of the credentials")
}
