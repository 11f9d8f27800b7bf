package operator_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/cert"

	"github.com/kuberator/kuberator/operator"
)

// withWebhook is setup of an operator that also answers the API server.
func withWebhook(p *operator.Process) error {
	p.EachReplica(webhooks(":9443", "/etc/webhook"))
	return setup(p)
}

// freePort returns an address that nothing listens at.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

func TestWebhookAdmits(t *testing.T) {
	_ = withWebhook
	dir := t.TempDir()
	certificate, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tls.crt"), certificate, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tls.key"), key, 0o600))
	addr := freePort(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- webhooks(addr, dir).Run(ctx) }()

	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(certificate))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	ask := func(name string, going *metav1.Time) (review admissionv1.AdmissionReview) {
		object, err := json.Marshal(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: going}, Data: map[string]string{"name": name}})
		require.NoError(t, err)
		review.TypeMeta = metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}
		review.Request = &admissionv1.AdmissionRequest{UID: "7d4c", Operation: admissionv1.Create, Object: runtime.RawExtension{Raw: object}}
		body, err := json.Marshal(review)
		require.NoError(t, err)
		var answer *http.Response
		require.Eventually(t, func() bool { // the server begins to listen at some time
			answer, err = client.Post("https://"+addr+"/validate", "application/json", bytes.NewReader(body))
			return err == nil
		}, 10*time.Second, 10*time.Millisecond, "%v", err)
		defer answer.Body.Close()
		require.Equal(t, http.StatusOK, answer.StatusCode)
		review = admissionv1.AdmissionReview{}
		require.NoError(t, json.NewDecoder(answer.Body).Decode(&review))
		return review
	}
	review := ask("world", nil)
	require.Equal(t, "AdmissionReview", review.Kind)
	require.EqualValues(t, "7d4c", review.Response.UID)
	require.True(t, review.Response.Allowed)
	review = ask("", nil)
	require.False(t, review.Response.Allowed)
	require.Equal(t, "data.name: must not be empty", review.Response.Result.Message)
	require.True(t, ask("", new(metav1.Now())).Response.Allowed)
	client.CloseIdleConnections()
	cancel()
	require.NoError(t, <-ended)
}
