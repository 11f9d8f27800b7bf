package loopback

import (
	"fmt"
	"net"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kuberator/kuberator/test/sim"
)

// announce makes the Service by which programs in a cluster find its API server, as a real one
// does: if Services are served, and there is none. No program can connect to its address.
func announce(srv *sim.Server, listener net.Listener) error {
	if _, _, served := srv.Mapping(corev1.SchemeGroupVersion.WithKind("Service")); !served {
		return nil
	}
	port := int64(0)
	if address, ok := listener.Addr().(*net.TCPAddr); ok {
		port = int64(address.Port)
	}
	const ip = "10.96.0.1"
	err := srv.Load(&unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Service",
		"metadata": map[string]any{
			"name": "kubernetes", "namespace": "default", "labels": map[string]any{"component": "apiserver", "provider": "kubernetes"},
		},
		"spec": map[string]any{
			"clusterIP": ip, "clusterIPs": []any{ip}, "ipFamilies": []any{"IPv4"}, "ipFamilyPolicy": "SingleStack",
			"ports": []any{map[string]any{"name": "https", "port": int64(443), "protocol": "TCP", "targetPort": port}},
		},
	}})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("the Service of the server: %w", err)
	}
	return nil
}
