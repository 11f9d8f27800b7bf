package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/test/cluster"
)

// An operator's test: the operator runs as its service account, so that a right
// missing from its RBAC fails here, and meets an API server that restarts.
func ExampleStart() {
	var crd, rbac []byte // as embedded from config/*.yaml

	_ = func(t *testing.T) { // func TestOperator(t *testing.T) {
		c := cluster.Start(t, nil)
		if err := cluster.InstallCRDs(t.Context(), c.Config(), crd); err != nil {
			t.Fatal(err)
		}
		if err := cluster.ApplyYAML(t.Context(), c.Config(), rbac); err != nil {
			t.Fatal(err)
		}
		config, err := c.ServiceAccount(t.Context(), "default", "operator")
		if err != nil {
			t.Fatal(err)
		}
		_ = config // Run the operator with it, create objects, look at the result.

		if err := c.APIServer().Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		// The operator must find its way back.
	}
}

// Without a test: start, use, stop.
func ExampleNew() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	c, err := cluster.New(ctx, &cluster.Options{NoControllerManager: true})
	if err != nil {
		log.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			log.Print(err)
		}
	}()

	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		log.Print(err)
		return
	}
	namespace, err := client.CoreV1().Namespaces().Get(ctx, "default", metav1.GetOptions{})
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(namespace.Name)
	// Output: default
}

// Trouble to order.
func ExampleProcess() {
	_ = func(ctx context.Context, c *cluster.Cluster) error {
		return errors.Join(
			c.APIServer().Pause(), // connections stay open, nobody answers
			c.APIServer().Resume(),
			c.Etcd().Kill(),
			c.Etcd().Restart(ctx), // returns when it is ready
		)
	}
}
