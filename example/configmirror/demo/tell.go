package main

import (
	"context"
	"errors"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/example/configmirror"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
)

// tell tells of every copy that comes, changes or goes, and of what the status says,
// until stop is called.
func (s *stage) tell(ctx context.Context) (stop func() error, err error) {
	exists, err := labels.NewRequirement(configmirror.LabelMirror, selection.Exists, nil)
	if err != nil {
		return nil, err
	}
	cached, err := informer.New(s.configMaps, &informer.Options{LabelSelector: labels.NewSelector().Add(*exists)})
	if err != nil {
		return nil, err
	}
	mirrors, err := informer.New(s.mirrors, nil)
	if err != nil {
		return nil, err
	}
	first, err := cached.Subscribe(ctx, copyTeller{s.n})
	if err != nil {
		return nil, err
	}
	second, err := mirrors.Subscribe(ctx, statusTeller{s.n, &s.updates})
	if err != nil {
		return nil, errors.Join(err, first.Stop())
	}
	return func() error { return errors.Join(first.Stop(), second.Stop()) }, nil
}

// copyTeller tells of copies.
type copyTeller struct{ n *narrator }

func (t copyTeller) OnAdd(obj *corev1.ConfigMap, _ bool) {
	t.n.say(copies, "+ %s/%s created", obj.Namespace, obj.Name)
}

func (t copyTeller) OnUpdate(_, obj *corev1.ConfigMap) {
	t.n.say(copies, "~ %s/%s updated", obj.Namespace, obj.Name)
}

func (t copyTeller) OnDelete(obj cache.DeletedObject[*corev1.ConfigMap]) {
	t.n.say(copies, "- %s/%s is gone", obj.GetNamespace(), obj.GetName())
}

func (t copyTeller) OnError(err error) {
	t.n.say(stageHand, "! %s", kerr.Text(err.Error(), kerr.MaxLog))
}

// statusTeller tells of the status of mirrors, and counts their updates.
type statusTeller struct {
	n       *narrator
	updates *atomic.Int64
}

func (t statusTeller) OnAdd(*v1alpha1.ConfigMirror, bool) {}

func (t statusTeller) OnUpdate(before, after *v1alpha1.ConfigMirror) {
	if before.ResourceVersion != after.ResourceVersion {
		t.updates.Add(1)
	}
	ready := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || describe(before) == describe(after) {
		return
	}
	t.n.say(mirror, "%s", describe(after))
	if ready.Status != metav1.ConditionTrue {
		t.n.say(mirror, "  %s", ready.Message)
	}
}

func (t statusTeller) OnDelete(obj cache.DeletedObject[*v1alpha1.ConfigMirror]) {
	t.n.say(mirror, "%s is gone", obj.GetName())
}

func (t statusTeller) OnError(err error) {
	t.n.say(stageHand, "! %s", kerr.Text(err.Error(), kerr.MaxLog))
}
