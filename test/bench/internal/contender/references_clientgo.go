package contender

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// ClientGoReferences is the floor: an index of the Widgets by their team, in which the handler of the ConfigMaps finds
// those that are to be woken by the labels that a ConfigMap had and has; and one of the ConfigMaps, in which a Widget
// finds those of its team. Nothing is copied, since nothing is changed.
func ClientGoReferences(cfg *rest.Config, looked func(*widget.Widget, string)) (Runner, error) {
	o := &clientGoReferences{looked: looked}
	if _, err := o.setUp(cfg, o.reconcile); err != nil {
		return nil, err
	}
	client, err := corev1client.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	o.configMaps, err = o.also(client, o.enqueueTeams)
	if err != nil {
		return nil, err
	}
	if err := o.configMaps.AddIndexers(cache.Indexers{byTeam: func(obj any) ([]string, error) {
		cm := obj.(*corev1.ConfigMap)
		return []string{cm.Namespace + "/" + cm.Labels[Team]}, nil
	}}); err != nil {
		return nil, err
	}
	return o, o.informer.AddIndexers(cache.Indexers{byTeam: func(obj any) ([]string, error) {
		return []string{teamOf(obj.(*widget.Widget))}, nil
	}})
}

func teamOf(w *widget.Widget) string { return w.Namespace + "/" + w.Spec.Settings[Team] }

type clientGoReferences struct {
	clientGo

	configMaps cache.Indexer
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
	found, err := o.configMaps.ByIndex(byTeam, teamOf(w))
	if err != nil {
		return fmt.Errorf("the ConfigMaps of %s: %w", key, err)
	}
	revision := ""
	for _, obj := range found {
		revision = max(revision, obj.(*corev1.ConfigMap).Data[Revision])
	}
	o.looked(w, revision)
	return nil
}
