package controller_test

import (
	"context"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

const (
	ownerUID = "example.com/owner-uid" // a label: what Cleanup selects by
	ownerKey = "example.com/owner"     // an annotation: namespace/name, which may be too long for a label
)

// audits keeps a ConfigMap in the namespace "audit" for each Deployment, of any namespace.
type audits struct {
	configMaps *repository.Live[*corev1.ConfigMap]
}

func (audits) Finalizer() string { return "example.com/audits" }

func (a audits) Apply(ctx context.Context, d *appsv1.Deployment) (controller.Action, error) {
	child := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "audit", Name: "deployment-" + string(d.UID)}}
	_, err := a.configMaps.Ensure(ctx, child, func(cm *corev1.ConfigMap) error {
		metav1.SetMetaDataLabel(&cm.ObjectMeta, ownerUID, string(d.UID))
		metav1.SetMetaDataAnnotation(&cm.ObjectMeta, ownerKey, repository.Key(d).String())
		cm.Data = map[string]string{"size": d.Labels["size"]}
		return nil
	})
	return controller.AwaitChange(), err
}

func (a audits) Cleanup(ctx context.Context, d *appsv1.Deployment) (controller.Action, error) {
	left, err := a.configMaps.DeleteAllOf(ctx, "audit", labels.SelectorFromSet(labels.Set{ownerUID: string(d.UID)}))
	if err != nil || left > 0 {
		return controller.Requeue(5 * time.Second), err // the deletion of a child wakes it earlier
	}
	return controller.AwaitChange(), nil
}

// audited returns the Deployments that a ConfigMap belongs to, and belonged to.
func audited(before, after *corev1.ConfigMap) (keys []types.NamespacedName) {
	for _, cm := range []*corev1.ConfigMap{before, after} {
		if cm == nil {
			continue
		}
		if namespace, name, ok := strings.Cut(cm.Annotations[ownerKey], "/"); ok {
			keys = append(keys, types.NamespacedName{Namespace: namespace, Name: name})
		}
	}
	return keys
}

// newAudits returns the controller. It sends no request.
func newAudits(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
	deployments, err := repository.New[appsv1.Deployment](cfg, scheme.Scheme, appsv1.SchemeGroupVersion.WithResource("deployments"))
	if err != nil {
		return nil, err
	}
	configMaps, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return nil, err
	}
	cache, err := informer.New(configMaps, &informer.Options{Namespaces: []string{"audit"}})
	if err != nil {
		return nil, err
	}
	c, err := controller.New(deployments, audits{configMaps}, opts)
	if err != nil {
		return nil, err
	}
	controller.Watches(c, cache, audited)
	return c, nil
}
