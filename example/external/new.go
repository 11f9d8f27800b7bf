package external

import (
	_ "embed"
	"errors"
	"flag"
	"net/http"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/external/api/v1alpha1"
	"github.com/kuberator/kuberator/example/external/provider"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/repository"
)

//go:embed config/external.kuberator.dev_buckets.yaml
var crd []byte

// New returns the controller. The name of the cluster tells its buckets from those of others. It does no I/O.
func New(cfg *rest.Config, remote *provider.Client, cluster string, opts *controller.Options) (*controller.Controller[*v1alpha1.Bucket, *keeper], error) {
	objects, err := repository.New[v1alpha1.Bucket](cfg, types(), v1alpha1.GroupVersion().WithResource("buckets"))
	if err != nil {
		return nil, err
	}
	return controller.New(objects, &keeper{objects, remote, cluster, opts.Informer.Namespaces}, opts)
}

// orphan reports whether the object of a bucket is gone. Of other namespaces this process cannot know.
func (k *keeper) orphan(remote provider.Bucket, objects []*v1alpha1.Bucket) bool {
	if len(k.namespaces) > 0 && !slices.Contains(k.namespaces, remote.Namespace) {
		return false
	}
	return !slices.ContainsFunc(objects, func(obj *v1alpha1.Bucket) bool { return string(obj.UID) == remote.Owner })
}

func types() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(scheme.AddToScheme(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}

// Program returns the arguments of operator.Main.
func Program() (name string, setup operator.Setup, opts *operator.Options) {
	flags := flag.NewFlagSet("external", flag.ContinueOnError)
	address := flags.String("provider", "", "the `URL` of the provider's API")
	cluster := flags.String("cluster", "", "the `name` of this cluster, which no other one has that uses the provider")
	setup = func(p *operator.Process) error {
		if *address == "" || *cluster == "" {
			return errors.New("give --provider and --cluster")
		}
		c, err := New(p.Config, &provider.Client{URL: *address, HTTP: &http.Client{Timeout: 30 * time.Second}}, *cluster, p.Options())
		if err == nil {
			p.Lead(c)
		}
		return err
	}
	return "external.kuberator.dev/external", setup, &operator.Options{
		Description: "external keeps a bucket of a provider for each Bucket.",
		Scheme:      types(), CRDs: crd, Flags: flags,
	}
}
