package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/external/api/v1alpha1"
	"github.com/kuberator/kuberator/example/internal/trial"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

func bucket(name string, size int64) *v1alpha1.Bucket {
	return &v1alpha1.Bucket{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: v1alpha1.BucketSpec{SizeGiB: size}}
}

type direct struct{ f *fake }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	d.f.ServeHTTP(answer, req)
	return answer.Result(), nil
}

// busy asks to come back in 7 seconds.
type busy struct{}

func (busy) RoundTrip(*http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	answer.Header().Set("Retry-After", "7")
	answer.WriteHeader(http.StatusTooManyRequests)
	return answer.Result(), nil
}

// With the rights of the manifests: a bucket is created and waited for, one that the provider refuses says so,
// and an orphan is swept, but not the bucket of another cluster.
func TestBuckets(t *testing.T) {
	p := trial.Of(program())
	p.Args = []string{"--provider=http://provider", "--cluster=test"}
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		trial.Run(t, sim.CRD(crd), p, func(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
			return newController(cfg, &client{"http://provider", &http.Client{Transport: direct{f}}}, "test", opts)
		}, func(ctx context.Context, cfg *rest.Config) {
			objects, err := repository.New[v1alpha1.Bucket](cfg, v1alpha1.Scheme(), v1alpha1.GroupVersion().WithResource("buckets"))
			require.NoError(t, err)
			good, err := objects.Create(ctx, bucket("good", 5))
			require.NoError(t, err)
			large, err := objects.Create(ctx, bucket("large", 5000))
			require.NoError(t, err)
			ready := func(obj *v1alpha1.Bucket) string {
				got, err := objects.Get(ctx, repository.Key(obj))
				require.NoError(t, err)
				return meta.FindStatusCondition(got.Status.Conditions, "Ready").Reason
			}
			time.Sleep(time.Second)
			require.Equal(t, "Creating", ready(good))
			require.Equal(t, "ProviderFailed", ready(large))
			time.Sleep(time.Minute)
			require.Equal(t, "Created", ready(good))
			require.Equal(t, []string{"other / 0", "test default/good 5"}, f.Snapshot())
			require.NoError(t, objects.Delete(ctx, good))
			time.Sleep(time.Minute)
			require.Equal(t, []string{"other / 0"}, f.Snapshot())
		})
	})
}

func TestWhenAProviderIsAskedAgain(t *testing.T) {
	c := &client{"http://provider", &http.Client{Transport: direct{newFake()}}}
	_, err := c.create(t.Context(), remote{SizeGiB: 5000})
	require.True(t, kerr.WaitsForChange(err), "%v", err)
	require.NoError(t, c.remove(t.Context(), "gone"))
	require.Error(t, c.resize(t.Context(), "gone", 1))
	c.http.Transport = busy{}
	_, err = c.find(t.Context(), "test", "")
	after, named := kerr.RetryAfter(err)
	require.True(t, named)
	require.Equal(t, 7*time.Second, after)
}

func bucketCase(make func(k *keeper) controller.Context[*v1alpha1.Bucket]) explore.Case[*v1alpha1.Bucket] {
	return explore.Case[*v1alpha1.Bucket]{
		Kinds: sim.CRD(crd), Scheme: v1alpha1.Scheme(),
		External:   map[string]func() explore.External{"provider": func() explore.External { return newFake() }},
		Invariants: []explore.Invariant{explore.FinalizerBeforeExternal("provider", "post")},
		New: func(env *explore.Env) (explore.Process, error) {
			objects, err := repository.New[v1alpha1.Bucket](env.Config(), v1alpha1.Scheme(), v1alpha1.GroupVersion().WithResource("buckets"))
			if err != nil {
				return nil, err
			}
			client := &client{"http://provider", &http.Client{Transport: transport{env.External("provider")}}}
			return controller.New(objects, make(&keeper{objects: objects, provider: client, cluster: "test"}), &controller.Options{Logger: env.Logger()})
		},
		Mask: []string{"status.id"},
		Script: []explore.Step{
			explore.Create(bucket("a", 1)), explore.Settle(),
			explore.Update("a", func(b *v1alpha1.Bucket) { b.Spec.SizeGiB = 2 }), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
		},
	}
}

func TestExplored(t *testing.T) {
	trial.Explored(t, bucketCase(func(k *keeper) controller.Context[*v1alpha1.Bucket] { return k }))
}

// trusting creates a bucket if the status has none.
type trusting struct{ *keeper }

func (k trusting) Apply(ctx context.Context, obj *v1alpha1.Bucket) (controller.Action, error) {
	if obj.Status.ID == "" {
		bucket, err := k.provider.create(ctx, remote{SizeGiB: obj.Spec.SizeGiB, Cluster: k.cluster, Namespace: obj.Namespace, Name: obj.Name, Owner: string(obj.UID)})
		if err != nil {
			return controller.AwaitChange(), err
		}
		obj.Status.ID = bucket.ID
		obj, err = status.Patch(ctx, k.objects, obj, obj.Status)
		if err != nil {
			return controller.AwaitChange(), err
		}
	}
	return controller.AwaitChange(), k.provider.resize(ctx, obj.Status.ID, obj.Spec.SizeGiB)
}

// A process ends between the creation and the status, and the next one creates another bucket.
func TestABucketThatNobodyRemembersIsFound(t *testing.T) {
	trial.Finds(t, bucketCase(func(k *keeper) controller.Context[*v1alpha1.Bucket] { return trusting{k} }),
		"provider: post default/a: committed+crash", explore.Crashes(1))
}
