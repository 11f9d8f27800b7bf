package operator_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
)

// validate says what is wrong with a ConfigMap.
func validate(cm *corev1.ConfigMap) error {
	if cm.Data["name"] == "" {
		return errors.New("data.name: must not be empty")
	}
	return nil
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
