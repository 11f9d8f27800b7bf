// Command rollout is an operator that restarts the Pods of a workload when a ConfigMap or Secret that they are
// made with changes. It works for Deployments, StatefulSets and DaemonSets that ask for it.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/repository"
)

const (
	// AnnotationOn asks for restarts, with the value "true", on a workload.
	AnnotationOn = "rollout.kuberator.dev/on-change"
	// AnnotationHash is on the template of Pods: what they are made with. A change of it is a rollout.
	AnnotationHash = "rollout.kuberator.dev/config-hash"
)

var (
	missing = event.Warning("ConfigMissing", "Rollout")
	changed = event.Normal("ConfigChanged", "Rollout")
)

// roller restarts the workloads of one kind.
type roller[T repository.Object] struct {
	workloads *repository.Live[T]
	template  func(T) *corev1.PodTemplateSpec
	config    caches
	events    event.Recorder
}

// apply writes the hash of all that the Pods are made with, as it is by now. Kubernetes restarts the Pods if it
// is not the one of before, whether or not any process saw the change.
func (r *roller[T]) apply(ctx context.Context, have T) (controller.Action, error) {
	if have.GetAnnotations()[AnnotationOn] != "true" {
		return controller.AwaitChange(), nil
	}
	hash, absent, err := r.config.hash(ctx, have.GetNamespace(), usesOf(&r.template(have).Spec))
	switch {
	case err != nil || hash == "":
		return controller.AwaitChange(), err
	case len(absent) > 0:
		// New Pods could not start, and the old ones still work. What appears is a change of what was read.
		r.events.Eventf(have, nil, missing, "no rollout until there is %s", strings.Join(absent, " and "))
		return controller.AwaitChange(), nil
	}
	return controller.AwaitChange(), r.write(ctx, have, hash)
}

// write changes nothing but the annotation, and only if the workload is still the one that was read.
func (r *roller[T]) write(ctx context.Context, have T, hash string) error {
	before := r.template(have).Annotations[AnnotationHash]
	if before == hash {
		return nil
	}
	want := have.DeepCopyObject().(T)
	metav1.SetMetaDataAnnotation(&r.template(want).ObjectMeta, AnnotationHash, hash)
	if _, err := r.workloads.Update(ctx, have, want, repository.FieldManager("rollout")); err != nil {
		return err
	}
	if before != "" {
		r.events.Eventf(have, nil, changed, "new Pods, since what they are made with has changed")
	}
	return nil
}

// hash returns one hash of all that is used, empty if nothing is, and what must be there and is not.
func (c caches) hash(ctx context.Context, namespace string, uses map[use]bool) (hash string, absent []string, err error) {
	if len(uses) == 0 {
		return "", nil, nil
	}
	sum := sha256.New()
	for _, u := range slices.SortedFunc(maps.Keys(uses), use.compare) {
		obj, err := c[u.kind].Get(ctx, types.NamespacedName{Namespace: namespace, Name: u.name})
		switch {
		case err == nil:
			fmt.Fprintln(sum, u.kind, u.name, obj.Object[digest])
		case !apierrors.IsNotFound(err):
			return "", nil, err
		case uses[u]:
			absent = append(absent, u.kind+" "+u.name)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), absent, nil
}
