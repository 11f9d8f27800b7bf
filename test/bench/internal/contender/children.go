package contender

import (
	"context"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// Children makes an operator that has [Parts] ConfigMaps for each Widget, and calls looked when it has seen to those of
// one.
type Children func(cfg *rest.Config, looked func()) (Runner, error)

// Parts is how many children a Widget has.
const Parts = 5

// Part is the name of the setting that the i-th child is made from.
func Part(i int) string { return "part-" + strconv.Itoa(i) }

// Child returns the i-th child of a Widget as it is to be.
func Child(w *widget.Widget, i int) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.Namespace, Name: childName(w, i), Labels: map[string]string{"app": w.Name},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(w, widgetKind)},
		},
		Data: childData(w, i),
	}
}

var widgetKind = widget.GroupVersion().WithKind("Widget")

func childName(w *widget.Widget, i int) string { return w.Name + "-" + strconv.Itoa(i) }

func childData(w *widget.Widget, i int) map[string]string {
	return map[string]string{"image": w.Spec.Image, "setting": w.Spec.Settings[Part(i)]}
}

// scheme has Widgets and ConfigMaps.
func scheme() *runtime.Scheme {
	s := widget.Scheme()
	utilruntime.Must(corev1.AddToScheme(s))
	return s
}

// kuberatorSpecs are the repositories of Widgets and ConfigMaps, and a cache of the latter.
func kuberatorSpecs(cfg *rest.Config) (
	widgets *repository.Live[*widget.Widget], configMaps *repository.Live[*corev1.ConfigMap], cached *informer.Informer[*corev1.ConfigMap], err error,
) {
	if widgets, err = repository.New[widget.Widget](cfg, scheme(), widget.GroupVersion().WithResource("widgets")); err != nil {
		return nil, nil, nil, err
	}
	if configMaps, err = repository.New[corev1.ConfigMap](cfg, scheme(), corev1.SchemeGroupVersion.WithResource("configmaps")); err != nil {
		return nil, nil, nil, err
	}
	cached, err = informer.New(configMaps, nil)
	return widgets, configMaps, cached, err
}

// KuberatorChildren is this library as its documentation has it: an informer for the children, Owns, and Ensure for each
// child.
func KuberatorChildren(cfg *rest.Config, looked func()) (Runner, error) {
	cfg, m, err := observed(cfg)
	if err != nil {
		return nil, err
	}
	widgets, configMaps, cached, err := kuberatorSpecs(cfg)
	if err != nil {
		return nil, err
	}
	ensure := func(ctx context.Context, w *widget.Widget, i int) error {
		named := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: childName(w, i)}}
		_, err := configMaps.Ensure(ctx, named, func(cm *corev1.ConfigMap) error {
			metav1.SetMetaDataLabel(&cm.ObjectMeta, "app", w.Name)
			cm.Data = childData(w, i)
			return repository.SetController(w, widgetKind, cm)
		})
		return err
	}
	c, err := controller.New(widgets, controller.Funcs[*widget.Widget]{
		FinalizerName: controller.NoFinalizer,
		ApplyFunc: func(ctx context.Context, w *widget.Widget) (controller.Action, error) {
			for i := range Parts {
				if err := ensure(ctx, w, i); err != nil {
					return controller.AwaitChange(), err
				}
			}
			looked()
			return controller.AwaitChange(), nil
		},
	}, &controller.Options{Workers: convergers, Logger: logger(), Observer: m})
	if err != nil {
		return nil, err
	}
	controller.Owns(c, cached)
	return c, nil
}
