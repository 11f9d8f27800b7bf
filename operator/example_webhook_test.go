package operator_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
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

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/operator"
)

// validate says what is wrong with a ConfigMap.
func validate(cm *corev1.ConfigMap) error {
	if cm.Data["name"] == "" {
		return errors.New("data.name: must not be empty")
	}
	return nil
}

// admit answers the API server whether an object may be stored.
func admit(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 8<<20)).Decode(&review)
	if err != nil || review.Request == nil {
		http.Error(w, "this is no AdmissionReview", http.StatusBadRequest)
		return
	}
	response := &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	var cm corev1.ConfigMap
	if err = json.Unmarshal(review.Request.Object.Raw, &cm); err == nil && cm.DeletionTimestamp == nil { // what is going must lose its finalizer
		err = validate(&cm)
	}
	if err != nil {
		response.Allowed = false
		response.Result = &metav1.Status{Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid, Message: err.Error()}
	}
	review.Request, review.Response = nil, response
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review)
}

// webhooks serves admission at an address, with tls.crt and tls.key of a folder, until its ctx ends.
func webhooks(addr, dir string) controller.RunnerFunc {
	return func(ctx context.Context) error {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		mux := http.NewServeMux()
		mux.HandleFunc("POST /validate", admit)
		server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS13,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { // read for each connection: it may be replaced
				pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
				return &pair, err
			},
		}}
		failed := make(chan error, 1)
		go func() { failed <- server.ServeTLS(listener, "", "") }()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done(): // requests that are being answered may end
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return server.Shutdown(ctx)
		}
	}
}

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
