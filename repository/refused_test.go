package repository_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// stranger is a transport to a server that does not accept any credentials, or that cannot be verified.
type stranger struct{ unverified bool }

func (s stranger) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.unverified {
		return nil, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	}
	return &http.Response{StatusCode: http.StatusUnauthorized, Body: io.NopCloser(strings.NewReader("who are you?")), Request: r, Header: http.Header{}}, nil
}

// TestS9EachRefusedRequestIsRecognized, by the repository and others with the same credentials. What the user's
// function of an Ensure returns is not ours.
func TestS9EachRefusedRequestIsRecognized(t *testing.T) {
	for _, to := range []stranger{{}, {unverified: true}} {
		class := kerr.ClassForbidden
		if to.unverified {
			class = kerr.ClassTransient
		}
		cfg := &rest.Config{Host: "https://server", Transport: to, BearerToken: "old"}
		made, again, tenant := refusedRepo(t, cfg), refusedRepo(t, rest.CopyConfig(cfg)), refusedRepo(t, &rest.Config{Host: "https://tenant"})
		cs := kubernetes.NewForConfigOrDie(cfg)
		client := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
		for verb, err := range refusals(t, made) {
			require.True(t, made.Unauthenticated(err) && again.Unauthenticated(err), "%s: %v", verb, err)
			require.False(t, tenant.Unauthenticated(err) || client.Unauthenticated(err), "%s: %v", verb, err)
			require.Equal(t, class, kerr.ClassOf(err), "%s: %v", verb, err)
		}
		for verb, err := range refusals(t, client) {
			if verb != "get unstructured" {
				require.True(t, client.Unauthenticated(err), "%s: %v", verb, err)
			}
			require.False(t, made.Unauthenticated(err), verb)
		}
	}
	unknown := struct{ names []string }{}
	require.False(t, repository.FromClient(unknown, corev1.SchemeGroupVersion.WithKind("ConfigMap"),
		kubernetes.NewForConfigOrDie(&rest.Config{Host: "https://server"}).CoreV1().ConfigMaps).Unauthenticated(apierrors.NewUnauthorized("")))
}

func refusedRepo(t *testing.T, cfg *rest.Config) *repository.Live[*corev1.ConfigMap] {
	t.Helper()
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	require.NoError(t, err)
	return repo
}

// refusals makes a request of each verb.
func refusals(t *testing.T, repo *repository.Live[*corev1.ConfigMap]) map[string]error {
	t.Helper()
	ctx, key, got := t.Context(), types.NamespacedName{Namespace: "ns", Name: "a"}, map[string]error{}
	fresh := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "a"}}
	have := fresh.DeepCopy()
	have.ResourceVersion, have.UID = "1", "u"
	changed := have.DeepCopy()
	changed.Data = map[string]string{"a": "b"}
	_, got["get"] = repo.Get(ctx, key)
	_, got["get unstructured"] = repo.GetUnstructured(ctx, key)
	_, got["list"] = repo.List(ctx, "ns", metav1.ListOptions{})
	_, got["create"] = repo.Create(ctx, fresh.DeepCopy())
	_, got["update"] = repo.Update(ctx, have, changed)
	_, got["patch"] = repo.Patch(ctx, have, types.MergePatchType, []byte("{}"))
	_, got["apply"] = repo.Apply(ctx, fresh.DeepCopy(), "me")
	_, got["ensure"] = repo.Ensure(ctx, fresh.DeepCopy(), nil)
	_, got["delete all"] = repo.DeleteAllOf(ctx, "ns", labels.SelectorFromSet(labels.Set{"a": "b"}))
	got["delete"] = repo.Delete(ctx, have)
	return got
}
