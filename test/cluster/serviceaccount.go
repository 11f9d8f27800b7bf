package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// tokenLifetime is a year: a client made from a rest.Config does not renew its
// token, and no control plane of a test lives that long.
const tokenLifetime = 365 * 24 * time.Hour

// ServiceAccount returns a configuration with which a client is the given service
// account, as an operator in a Pod would be: with a token the API server issued,
// and with no right beyond what RBAC grants. It makes the service account if it
// does not exist; the namespace must exist.
//
// Run an operator with it in tests, so that a rule missing from its RBAC fails
// there and not in a user's cluster.
func (c *Cluster) ServiceAccount(ctx context.Context, namespace, name string) (*rest.Config, error) {
	return ServiceAccount(ctx, c.Config(), namespace, name, tokenLifetime)
}

// ServiceAccount does what [Cluster.ServiceAccount] does on any cluster, as the user
// of admin. The token is good for the given lifetime, at least ten minutes, or for as
// long as that cluster allows; the client does not renew it.
//
// Of admin the client keeps what leads to the server, and its Transport, which must
// not authenticate by itself.
func ServiceAccount(ctx context.Context, admin *rest.Config, namespace, name string, lifetime time.Duration) (*rest.Config, error) {
	token, err := issueToken(ctx, admin, namespace, name, lifetime)
	if err != nil {
		return nil, fmt.Errorf("service account %s/%s: %w", namespace, name, err)
	}
	config := rest.AnonymousClientConfig(admin)
	config.BearerToken = token
	config.Transport = admin.Transport // the only way to a server in the process, as of package sim
	return config, nil
}

func issueToken(ctx context.Context, admin *rest.Config, namespace, name string, lifetime time.Duration) (string, error) {
	client, err := dynamic.NewForConfig(admin)
	if err != nil {
		return "", err
	}
	accounts := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}).Namespace(namespace)
	metadata := map[string]any{"name": name}
	account := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}}
	if _, err := accounts.Create(ctx, account, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return "", fmt.Errorf("creating it: %w", err)
	}
	request := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": metadata,
		"spec": map[string]any{"expirationSeconds": int64(lifetime / time.Second)},
	}}
	issued, err := accounts.Create(ctx, request, metav1.CreateOptions{}, "token")
	if err != nil {
		return "", fmt.Errorf("requesting a token: %w", err)
	}
	token, _, _ := unstructured.NestedString(issued.Object, "status", "token")
	if token == "" {
		return "", errors.New("requesting a token: the answer holds none")
	}
	return token, nil
}
