package configmirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
)

// Operator keeps the copies of ConfigMirrors. Make it with [New]. It implements
// controller.Context and is safe for several workers.
type Operator struct {
	mirrors    repository.Repository[*v1alpha1.ConfigMirror]
	namespaces *informer.Informer[*corev1.Namespace]
	configMaps copier[*corev1.ConfigMap]
	secrets    copier[*corev1.Secret]
}

// Finalizer returns [FinalizerName].
func (*Operator) Finalizer() string { return FinalizerName }

// Apply makes the copies those that the spec asks for, and writes the status.
func (o *Operator) Apply(ctx context.Context, mirror *v1alpha1.ConfigMirror) (controller.Action, error) {
	selector, err := metav1.LabelSelectorAsSelector(&mirror.Spec.NamespaceSelector)
	if err != nil {
		return controller.AwaitChange(), o.refuse(ctx, mirror, fmt.Errorf("spec.namespaceSelector: %w", err))
	}
	namespaces, err := o.matching(ctx, selector)
	if err != nil {
		return controller.AwaitChange(), err
	}
	var out outcome
	configMap, secret := sources(mirror)
	o.configMaps.sync(ctx, mirror, configMap, namespaces, &out)
	o.secrets.sync(ctx, mirror, secret, namespaces, &out)
	failure := out.err()
	if failure == nil && out.behind != nil {
		return controller.AwaitChange(), out.behind // the status would be about the past
	}
	_, err = status.PatchError(ctx, o.mirrors, mirror, out.status(mirror, out.condition()), failure)
	return controller.AwaitChange(), errors.Join(failure, err)
}

// Cleanup removes every copy. The status is only written if that fails: where it succeeds, no
// client could read it any more.
func (o *Operator) Cleanup(ctx context.Context, mirror *v1alpha1.ConfigMirror) (controller.Action, error) {
	failure := errors.Join(o.configMaps.removeAll(ctx, mirror.UID), o.secrets.removeAll(ctx, mirror.UID))
	if failure == nil {
		return controller.AwaitChange(), nil
	}
	out := outcome{copies: mirror.Status.Copies, errs: []error{failure}}
	ready := notReady(v1alpha1.ReasonDeleting, failure.Error())
	_, err := status.PatchError(ctx, o.mirrors, mirror, out.status(mirror, ready), failure)
	return controller.AwaitChange(), errors.Join(failure, err)
}

// Paused shows in the status that somebody has paused the mirror. Apply ends that.
func (o *Operator) Paused(ctx context.Context, mirror *v1alpha1.ConfigMirror) error {
	status.SetPaused(&mirror.Status.Conditions, mirror)
	_, err := status.Patch(ctx, o.mirrors, mirror, mirror.Status)
	return err
}

// refuse tells the user that the spec is wrong. The copies stay as they are: a typo
// must not take them away.
func (o *Operator) refuse(ctx context.Context, mirror *v1alpha1.ConfigMirror, wrong error) error {
	out := outcome{copies: mirror.Status.Copies}
	ready := notReady(v1alpha1.ReasonInvalidSelector, wrong.Error())
	if _, err := status.PatchError(ctx, o.mirrors, mirror, out.status(mirror, ready), wrong); err != nil {
		return err // not Invalid: the status must be written
	}
	return kerr.Invalid(wrong)
}

// matching returns the namespaces that get copies. One that is being deleted takes
// no new objects, and its copies go with it.
func (o *Operator) matching(ctx context.Context, selector labels.Selector) (sets.Set[string], error) {
	namespaces, err := o.namespaces.List(ctx, informer.Matching(selector))
	names := sets.New[string]()
	for _, namespace := range namespaces {
		if !going(namespace) {
			names.Insert(namespace.Name)
		}
	}
	return names, err
}

func going(obj metav1.Object) bool { return obj.GetDeletionTimestamp() != nil }

// sources returns the keys of what the mirror copies. secret may be nil.
func sources(mirror *v1alpha1.ConfigMirror) (configMap, secret *types.NamespacedName) {
	from := mirror.Spec.Source
	configMap = &types.NamespacedName{Namespace: from.Namespace, Name: from.Name}
	if s := mirror.Spec.Secret; s != nil {
		secret = &types.NamespacedName{Namespace: cmp.Or(s.Namespace, from.Namespace), Name: s.Name}
	}
	return configMap, secret
}
