package leader_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/leader"
)

type answering func(*http.Request) (*http.Response, error)

func (f answering) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Kills: an operator that may not read its lease, does nothing, and says nothing; one that says it twice a second.
func TestG13ALeaseThatCannotBeReadIsTold(t *testing.T) {
	for name, answer := range map[string]answering{
		"forbidden": func(*http.Request) (*http.Response, error) {
			body := `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"leases is forbidden"}`
			return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewBufferString(body))}, nil
		},
		"unreachable": func(*http.Request) (*http.Response, error) { return nil, errors.New("leases is forbidden by a cable") },
	} {
		synctest.Test(t, func(t *testing.T) {
			core, said := observer.New(zap.WarnLevel)
			elector, err := leader.New(&rest.Config{Host: "https://api", Transport: answer}, types.NamespacedName{Namespace: "n", Name: "l"}, &leader.Options{Logger: zap.New(core)})
			require.NoError(t, err)
			elector.Lead(controller.RunnerFunc(func(context.Context) error { return nil }))
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			require.NoError(t, elector.Run(ctx))
			entries := said.FilterMessage("the lease cannot be read or written").All()
			require.InDelta(t, 10, len(entries), 1, name)
			require.Contains(t, entries[0].ContextMap()["error"], "leases is forbidden")
		})
	}
}
