// Package clientgo has a controller twice: with client-go alone, and with this library. docs/migrate/client-go.md shows
// both.
package clientgo

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	policylisters "k8s.io/client-go/listers/policy/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// Controller gives each Deployment a PodDisruptionBudget.
type Controller struct {
	client      kubernetes.Interface
	deployments appslisters.DeploymentLister
	budgets     policylisters.PodDisruptionBudgetLister
	synced      []cache.InformerSynced
	queue       workqueue.TypedRateLimitingInterface[cache.ObjectName]
}

// NewController returns the controller. The factory is to be started after it.
func NewController(client kubernetes.Interface, factory informers.SharedInformerFactory) (*Controller, error) {
	deployments, budgets := factory.Apps().V1().Deployments(), factory.Policy().V1().PodDisruptionBudgets()
	c := &Controller{
		client: client, deployments: deployments.Lister(), budgets: budgets.Lister(),
		synced: []cache.InformerSynced{deployments.Informer().HasSynced, budgets.Informer().HasSynced},
		queue:  workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[cache.ObjectName]()),
	}
	_, err := deployments.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    c.enqueue,
		UpdateFunc: func(_, obj any) { c.enqueue(obj) },
	})
	if err != nil {
		return nil, err
	}
	_, err = budgets.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(_, obj any) { c.enqueueOwner(obj) },
		DeleteFunc: c.enqueueOwner,
	})
	return c, err
}

func (c *Controller) enqueue(obj any) {
	if name, err := cache.ObjectToName(obj); err == nil {
		c.queue.Add(name)
	}
}

func (c *Controller) enqueueOwner(obj any) {
	if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	budget, ok := obj.(*policyv1.PodDisruptionBudget)
	if !ok {
		return
	}
	if owner := metav1.GetControllerOf(budget); owner != nil && owner.Kind == "Deployment" {
		c.queue.Add(cache.NewObjectName(budget.Namespace, owner.Name))
	}
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context, workers int) error {
	defer utilruntime.HandleCrashWithContext(ctx)
	defer c.queue.ShutDown()
	if !cache.WaitForCacheSync(ctx.Done(), c.synced...) {
		return errors.New("the caches did not fill")
	}
	for range workers {
		go wait.UntilWithContext(ctx, c.runWorker, time.Second)
	}
	<-ctx.Done()
	return nil
}

func (c *Controller) runWorker(ctx context.Context) {
	for c.processNext(ctx) {
	}
}

func (c *Controller) processNext(ctx context.Context) bool {
	name, shutdown := c.queue.Get()
	if shutdown {
		return false
	}
	defer c.queue.Done(name)
	if err := c.sync(ctx, name); err != nil {
		utilruntime.HandleErrorWithContext(ctx, err, "Error syncing; requeuing for later retry", "deployment", name)
		c.queue.AddRateLimited(name)
		return true
	}
	c.queue.Forget(name)
	return true
}

func (c *Controller) sync(ctx context.Context, name cache.ObjectName) error {
	d, err := c.deployments.Deployments(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	want := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: d.Namespace, Name: d.Name,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("Deployment"))},
		},
		Spec: policyv1.PodDisruptionBudgetSpec{MinAvailable: new(intstr.FromInt32(1)), Selector: d.Spec.Selector},
	}
	have, err := c.budgets.PodDisruptionBudgets(d.Namespace).Get(d.Name)
	if apierrors.IsNotFound(err) {
		_, err = c.client.PolicyV1().PodDisruptionBudgets(d.Namespace).Create(ctx, want, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	if !metav1.IsControlledBy(have, d) {
		return fmt.Errorf("the PodDisruptionBudget %s is somebody else's", name)
	}
	if equality.Semantic.DeepEqual(have.Spec, want.Spec) {
		return nil
	}
	changed := have.DeepCopy()
	changed.Spec = want.Spec
	_, err = c.client.PolicyV1().PodDisruptionBudgets(d.Namespace).Update(ctx, changed, metav1.UpdateOptions{})
	return err
}
