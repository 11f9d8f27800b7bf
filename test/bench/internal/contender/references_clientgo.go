package contender

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// ClientGoReferences is the floor: an index of the Widgets by their team, in which the handler of the ConfigMaps finds
// those that are to be woken by the labels that a ConfigMap had and has. A Widget lists the ConfigMaps by a lister, with
// the selector. Nothing is copied, since nothing is changed.
func ClientGoReferences(cfg *rest.Config, looked func(*widget.Widget, string)) (Runner, error) {
	o := &clientGoReferences{looked: looked}
	if _, err := o.setUp(cfg, o.reconcile); err != nil {
		return nil, err
	}
	client, err := corev1client.NewForConfig(protobuf(cfg))
	if err != nil {
		return nil, err
	}
	cached, err := o.also(client, o.enqueueTeams)
	if err != nil {
		return nil, err
	}
	o.configMaps = corev1listers.NewConfigMapLister(cached)
	return o, o.informer.AddIndexers(cache.Indexers{byTeam: func(obj any) ([]string, error) {
		return []string{teamOf(obj.(*widget.Widget))}, nil
	}})
}

func teamOf(w *widget.Widget) string { return w.Namespace + "/" + w.Spec.Settings[Team] }

type clientGoReferences struct {
	clientGo

	configMaps corev1listers.ConfigMapLister
	looked     func(*widget.Widget, string)
}

func (o *clientGoReferences) enqueueTeams(before, after *corev1.ConfigMap) {
	o.enqueueTeam(after.Namespace, after.Labels[Team])
	if before != nil && before.Labels[Team] != after.Labels[Team] {
		o.enqueueTeam(before.Namespace, before.Labels[Team])
	}
}

func (o *clientGoReferences) enqueueTeam(namespace, team string) {
	keys, err := o.informer.GetIndexer().IndexKeys(byTeam, namespace+"/"+team)
	for _, key := range keys {
		if err == nil {
			o.queue.Add(key)
		}
	}
}

func (o *clientGoReferences) reconcile(_ context.Context, key string) error {
	cached, ok, err := o.informer.GetStore().GetByKey(key)
	if err != nil || !ok {
		return err
	}
	w := cached.(*widget.Widget)
	if w.DeletionTimestamp != nil {
		return nil
	}
	found, err := o.configMaps.ConfigMaps(w.Namespace).List(labels.SelectorFromSet(selectorOf(w)))
	if err != nil {
		return fmt.Errorf("the ConfigMaps of %s: %w", key, err)
	}
	revision := ""
	for _, cm := range found {
		revision = max(revision, cm.Data[Revision])
	}
	o.looked(w, revision)
	return nil
}
