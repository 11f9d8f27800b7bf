package contender

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// ClientGoChildren is the floor: an informer for the Widgets, of which an update counts if the generation changed, and
// one for the ConfigMaps, whose events lead to their owner, as in client-go's sample controller. Each child is compared
// in the cache, without a copy, and one that differs is put as a whole.
func ClientGoChildren(cfg *rest.Config, looked func()) (Runner, error) {
	o := &clientGoChildren{looked: looked}
	if _, err := o.setUp(cfg, o.reconcile); err != nil {
		return nil, err
	}
	var err error
	if o.client, err = corev1client.NewForConfig(protobuf(cfg)); err != nil {
		return nil, err
	}
	o.configMaps, err = o.also(o.client, func(_, after *corev1.ConfigMap) { o.enqueueOwner(after) })
	return o, err
}

type clientGoChildren struct {
	clientGo

	client     *corev1client.CoreV1Client
	configMaps cache.Indexer
	looked     func()
}

func (o *clientGoChildren) enqueueOwner(cm *corev1.ConfigMap) {
	if owner := metav1.GetControllerOf(cm); owner != nil && owner.Kind == widgetKind.Kind {
		o.queue.Add(cm.Namespace + "/" + owner.Name)
	}
}

func (o *clientGoChildren) reconcile(ctx context.Context, key string) error {
	cached, ok, err := o.informer.GetStore().GetByKey(key)
	if err != nil || !ok {
		return err
	}
	w := cached.(*widget.Widget) // which is only read
	if w.DeletionTimestamp != nil {
		return nil
	}
	for i := range Parts {
		if err := o.ensure(ctx, w, i); err != nil {
			return err
		}
	}
	o.looked()
	return nil
}

func (o *clientGoChildren) ensure(ctx context.Context, w *widget.Widget, i int) error {
	have, ok, err := o.configMaps.GetByKey(w.Namespace + "/" + childName(w, i))
	if err != nil {
		return err
	}
	if !ok {
		_, err := o.client.ConfigMaps(w.Namespace).Create(ctx, Child(w, i), metav1.CreateOptions{})
		return err
	}
	cm, data := have.(*corev1.ConfigMap), childData(w, i)
	if !metav1.IsControlledBy(cm, w) {
		return fmt.Errorf("the ConfigMap %s is somebody else's", cm.Name)
	}
	if maps.Equal(cm.Data, data) && cm.Labels["app"] == w.Name {
		return nil
	}
	cm = cm.DeepCopy()
	metav1.SetMetaDataLabel(&cm.ObjectMeta, "app", w.Name)
	cm.Data = data
	_, err = o.client.ConfigMaps(w.Namespace).Update(ctx, cm, metav1.UpdateOptions{})
	return err
}
