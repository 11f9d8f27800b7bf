package workload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/cluster"
	"github.com/kuberator/kuberator/test/sim"
	"github.com/kuberator/kuberator/test/sim/loopback"
)

// namespace is where the objects of an API server are.
const namespace = "bench"

// API is an API server that is filled before the contenders begin. Workloads whose contenders write are measured on one.
type API struct {
	// Core names the kinds of Kubernetes that are needed, as "configmaps".
	Core []string
	// CRDs define the others, as YAML.
	CRDs [][]byte
	// Fill makes the objects, in namespace.
	Fill func(ctx context.Context, cfg *rest.Config, size Size) error
	// Drive changes objects while a contender is at work, when that asks for it by [Process.Drive]. nil means that
	// nobody but the contender does.
	Drive func(ctx context.Context, cfg *rest.Config, step Step) error
}

// Simulate serves the simulator by HTTPS.
func (a *API) Simulate(ctx context.Context, size Size) (*Site, error) {
	kinds := append(sim.Core(a.Core...), sim.CRD(a.CRDs...)...)
	srv, err := sim.New(sim.Options{Kinds: kinds, Namespaces: []string{namespace}, History: 1_000_000, GarbageCollection: true})
	if err != nil {
		return nil, err
	}
	if err := a.Fill(ctx, unlimited(srv.Config()), size); err != nil {
		srv.Close()
		return nil, err
	}
	served, err := loopback.Serve(srv, nil)
	if err != nil {
		srv.Close()
		return nil, err
	}
	return a.driven(unlimited(srv.Config()), &Site{Server: served.Kubeconfig(), Close: func() error {
		err := served.Close()
		srv.Close()
		return err
	}}), nil
}

// Start starts a real control plane.
func (a *API) Start(ctx context.Context, size Size) (*Site, error) {
	c, err := cluster.New(ctx, nil)
	if err != nil {
		return nil, err
	}
	cfg := unlimited(c.Config())
	err = cluster.InstallCRDs(ctx, cfg, a.CRDs...)
	if err == nil {
		err = cluster.ApplyYAML(ctx, cfg, []byte("{apiVersion: v1, kind: Namespace, metadata: {name: "+namespace+"}}"))
	}
	if err == nil {
		err = a.Fill(ctx, cfg, size)
	}
	if err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return a.driven(cfg, &Site{Server: c.Kubeconfig(), Close: c.Stop}), nil
}

func unlimited(cfg *rest.Config) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1
	return cfg
}

// patch changes an object in namespace by a JSON merge patch.
func patch(ctx context.Context, client dynamic.Interface, resource schema.GroupVersionResource, name, change string) error {
	_, err := client.Resource(resource).Namespace(namespace).Patch(ctx, name, types.MergePatchType, []byte(change), metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("change %s: %w", name, err)
	}
	return nil
}

// create creates n objects. The object with the number i is made by of. It is in namespace, if of does not give it another
// one.
func create(ctx context.Context, cfg *rest.Config, resource schema.GroupVersionResource, n int, of func(i int) map[string]any) error {
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return err
	}
	return each(n, func(i int) error {
		object := &unstructured.Unstructured{Object: of(i)}
		_, err := client.Resource(resource).Namespace(cmp.Or(object.GetNamespace(), namespace)).Create(ctx, object, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create %s: %w", object.GetName(), err)
		}
		return nil
	})
}

// each calls do for all numbers below n, from several goroutines, until there is an error.
func each(n int, do func(i int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for worker := range errs {
		wg.Go(func() {
			for errs[worker] == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				errs[worker] = do(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
