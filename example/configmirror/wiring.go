package configmirror

import (
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// The indexes: of copies by their mirror's UID, and of mirrors by their own UID, by
// their sources ("ConfigMap shop/settings"), and by the names of their copies
// ("ConfigMap settings") while they have a conflict.
const (
	indexMirror  = "mirror"
	indexUID     = "uid"
	indexSource  = "source"
	indexBlocked = "blocked"
)

type mirrorCache = *informer.Informer[*v1alpha1.ConfigMirror]

// wire makes the changes of everything that Apply reads reasons for it.
func wire(c *Controller, o *Operator) error {
	mirrors := c.Informer()
	configMap, secret := o.configMaps.repo.Kind().Kind, o.secrets.repo.Kind().Kind
	err := errors.Join(
		mirrors.AddIndex(indexUID, func(m *v1alpha1.ConfigMirror) []string { return []string{string(m.UID)} }),
		mirrors.AddIndex(indexSource, func(m *v1alpha1.ConfigMirror) []string {
			return sourceValues(m, configMap, secret, types.NamespacedName.String)
		}),
		mirrors.AddIndex(indexBlocked, func(m *v1alpha1.ConfigMirror) []string {
			if len(m.Status.Conflicts) == 0 {
				return nil
			}
			return sourceValues(m, configMap, secret, func(key types.NamespacedName) string { return key.Name })
		}),
	)
	controller.Watches(c, o.namespaces, func(before, after *corev1.Namespace) []types.NamespacedName {
		return concerned(mirrors, before, after)
	})
	watchKind(c, mirrors, o.configMaps)
	watchKind(c, mirrors, o.secrets)
	return err
}

func sourceValues(m *v1alpha1.ConfigMirror, configMapKind, secretKind string, name func(types.NamespacedName) string) []string {
	configMap, secret := sources(m)
	values := []string{configMapKind + " " + name(*configMap)}
	if secret != nil {
		values = append(values, secretKind+" "+name(*secret))
	}
	return values
}

// watchKind leads from an object of a kind to the mirrors that it may concern: those
// whose source it is, the one whose copy it is or was, and, if it goes away, those
// that it may have been in the way of.
func watchKind[T repository.Object](c *Controller, mirrors mirrorCache, copies copier[T]) {
	kind := copies.repo.Kind().Kind
	controller.Watches(c, copies.cache, func(before, after T) []types.NamespacedName {
		obj := after
		if obj == *new(T) {
			obj = before
		}
		keys := lookup(mirrors, indexSource, kind+" "+repository.Key(obj).String())
		for _, state := range []T{before, after} {
			if state == *new(T) {
				continue
			}
			if uid := state.GetLabels()[LabelMirror]; uid != "" {
				keys = append(keys, lookup(mirrors, indexUID, uid)...)
			}
		}
		if after == *new(T) {
			keys = append(keys, lookup(mirrors, indexBlocked, kind+" "+obj.GetName())...)
		}
		return keys
	})
}

func lookup(mirrors mirrorCache, index, value string) []types.NamespacedName {
	return keysOf(mirrors.ViewByIndex(index, value))
}

// concerned returns the mirrors that select the namespace as it was or as it is.
func concerned(mirrors mirrorCache, before, after *corev1.Namespace) []types.NamespacedName {
	if before != nil && after != nil && going(before) == going(after) && equality.Semantic.DeepEqual(before.Labels, after.Labels) {
		return nil
	}
	var found []*v1alpha1.ConfigMirror
	for _, mirror := range mirrors.ViewList() {
		selector, err := metav1.LabelSelectorAsSelector(&mirror.Spec.NamespaceSelector)
		if err == nil && (selects(selector, before) || selects(selector, after)) {
			found = append(found, mirror)
		}
	}
	return keysOf(found)
}

func selects(selector labels.Selector, namespace *corev1.Namespace) bool {
	return namespace != nil && selector.Matches(labels.Set(namespace.Labels))
}

func keysOf(mirrors []*v1alpha1.ConfigMirror) []types.NamespacedName {
	keys := make([]types.NamespacedName, 0, len(mirrors))
	for _, mirror := range mirrors {
		keys = append(keys, repository.Key(mirror))
	}
	return keys
}
