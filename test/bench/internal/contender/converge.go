package contender

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// convergers is how many objects an operator works on at the same time when it makes new
// ones ready.
const convergers = 16

// Runner is an operator that runs until ctx ends.
type Runner interface {
	Run(ctx context.Context) error
}

// Converge makes an operator that makes new Widgets ready: it adds its finalizer and writes a
// status, which are two writes. It calls ready for each Widget whose status it wrote, and looked for each that it
// leaves as it is to be, whether or not it wrote something.
type Converge func(cfg *rest.Config, ready, looked func()) (Runner, error)

// Ready returns the status of a Widget that is ready.
func Ready(w *widget.Widget) widget.Status {
	after := widget.Status{ObservedGeneration: w.Generation, Conditions: slices.Clone(w.Status.Conditions)}
	meta.SetStatusCondition(&after.Conditions, metav1.Condition{
		Type: "Ready", Status: metav1.ConditionTrue, Reason: "AsAsked", Message: "runs " + w.Spec.Image, ObservedGeneration: w.Generation,
	})
	return after
}

// KuberatorConverge is this library with its defaults, all guarantees on, and with its metrics.
func KuberatorConverge(cfg *rest.Config, ready, looked func()) (Runner, error) {
	cfg, m, err := observed(cfg)
	if err != nil {
		return nil, err
	}
	return kuberatorConverge(cfg, m, ready, looked)
}

// BareConverge is [KuberatorConverge] with nothing that observes it.
func BareConverge(cfg *rest.Config, ready, looked func()) (Runner, error) {
	return kuberatorConverge(cfg, nil, ready, looked)
}

func kuberatorConverge(cfg *rest.Config, observer controller.Observer, ready, looked func()) (controller.Runner, error) {
	repo, err := repository.New[widget.Widget](cfg, widget.Scheme(), widget.GroupVersion().WithResource("widgets"))
	if err != nil {
		return nil, err
	}
	return controller.New(repo, controller.Funcs[*widget.Widget]{
		FinalizerName: widget.Finalizer,
		ApplyFunc: func(ctx context.Context, w *widget.Widget) (controller.Action, error) {
			was := w.Status.ObservedGeneration
			if _, err := status.Patch(ctx, repo, w, Ready(w)); err != nil {
				return controller.AwaitChange(), err
			}
			if was != w.Generation {
				ready()
			}
			looked()
			return controller.AwaitChange(), nil
		},
	}, &controller.Options{Workers: convergers, Logger: logger(), Observer: observer})
}

// KuberatorLeader is [KuberatorConverge] as the leader that took over, as docs/operating.md sets it up: when it holds the lease, it
// reads each Widget from the server before it works on it.
func KuberatorLeader(lease types.NamespacedName) Converge {
	return func(cfg *rest.Config, ready, looked func()) (Runner, error) {
		cfg, m, err := observed(cfg)
		if err != nil {
			return nil, err
		}
		c, err := kuberatorConverge(cfg, m, ready, looked)
		if err != nil {
			return nil, err
		}
		return lead(cfg, m, lease, leader.Options{}, c)
	}
}

// ClientGoConverge is the floor: client-go's sample controller, by hand, as somebody writes it who
// knows that an operator must not be woken by its own writes: updates count if the
// generation changed, or if a deletion began. It writes whole objects, with the resourceVersion
// that it read.
func ClientGoConverge(cfg *rest.Config, ready, looked func()) (Runner, error) {
	o := &clientGoConverge{ready: ready, looked: looked}
	var err error
	o.client, err = o.setUp(cfg, o.reconcile)
	return o, err
}

type clientGoConverge struct {
	clientGo

	client        *rest.RESTClient
	ready, looked func()
}

func (o *clientGoConverge) reconcile(ctx context.Context, key string) error {
	cached, ok, err := o.informer.GetStore().GetByKey(key)
	if err != nil || !ok {
		return err
	}
	w := cached.(*widget.Widget) // which is only read: what is written is a copy, of the fields alone that are set
	if w.DeletionTimestamp != nil {
		return nil // what it would clean up is not measured
	}
	if !slices.Contains(w.Finalizers, widget.Finalizer) {
		with, written := *w, &widget.Widget{}
		with.Finalizers = append(slices.Clip(w.Finalizers), widget.Finalizer)
		if err := o.put(ctx, &with).Into(written); err != nil {
			return err
		}
		w = written
	}
	after := Ready(w)
	if !equality.Semantic.DeepEqual(w.Status, after) {
		with := *w
		with.Status = after
		if err := o.put(ctx, &with, "status").Error(); err != nil {
			return err
		}
		o.ready()
	}
	o.looked()
	return nil
}

func (o *clientGoConverge) put(ctx context.Context, w *widget.Widget, sub ...string) rest.Result {
	return o.client.Put().Namespace(w.Namespace).Resource("widgets").Name(w.Name).SubResource(sub...).Body(w).Do(ctx)
}
