package controllerruntime_test

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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/cert"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// TestWebhookServerIsARunner: docs/howto/webhooks.md says so.
func TestWebhookServerIsARunner(t *testing.T) {
	dir := t.TempDir()
	certificate, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tls.crt"), certificate, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tls.key"), key, 0o600))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := free.Addr().(*net.TCPAddr)
	require.NoError(t, free.Close())

	deny := func(context.Context, admission.Request) admission.Response { return admission.Denied("no") }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- admitting(webhook.Options{Host: "127.0.0.1", Port: addr.Port, CertDir: dir}, deny).Run(ctx)
	}()
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(certificate))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	body, err := json.Marshal(&admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request:  &admissionv1.AdmissionRequest{UID: "7d4c", Object: runtime.RawExtension{Raw: []byte(`{}`)}},
	})
	require.NoError(t, err)
	var answer *http.Response
	require.Eventually(t, func() bool { // the server begins to listen at some time
		answer, err = client.Post("https://"+addr.String()+"/validate", "application/json", bytes.NewReader(body))
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	defer answer.Body.Close()
	var review admissionv1.AdmissionReview
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&review))
	require.False(t, review.Response.Allowed)
	require.Equal(t, "no", review.Response.Result.Message)
	cancel()
	require.NoError(t, <-ended)
}
