package main

import (
	"cmp"
	"reflect"

	corev1 "k8s.io/api/core/v1"
)

// use is a ConfigMap or Secret that a Pod names.
type use struct{ kind, name string }

func (u use) compare(v use) int {
	return cmp.Or(cmp.Compare(u.kind, v.kind), cmp.Compare(u.name, v.name))
}

// usesOf returns all ConfigMaps and Secrets whose content Pods get, and whether they cannot do without. They
// are named in volumes and in the environment of containers, by these eight types.
func usesOf(pod *corev1.PodSpec) map[use]bool {
	uses := map[use]bool{}
	add := func(kind, name string, optional *bool) {
		u := use{kind, name}
		uses[u] = uses[u] || optional == nil || !*optional
	}
	visit(reflect.ValueOf(pod), func(part any) {
		switch s := part.(type) {
		case corev1.ConfigMapVolumeSource:
			add("ConfigMap", s.Name, s.Optional)
		case corev1.ConfigMapProjection:
			add("ConfigMap", s.Name, s.Optional)
		case corev1.ConfigMapEnvSource:
			add("ConfigMap", s.Name, s.Optional)
		case corev1.ConfigMapKeySelector:
			add("ConfigMap", s.Name, s.Optional)
		case corev1.SecretVolumeSource:
			add("Secret", s.SecretName, s.Optional)
		case corev1.SecretProjection:
			add("Secret", s.Name, s.Optional)
		case corev1.SecretEnvSource:
			add("Secret", s.Name, s.Optional)
		case corev1.SecretKeySelector:
			add("Secret", s.Name, s.Optional)
		}
	})
	return uses
}

// visit calls f for each struct inside v.
func visit(v reflect.Value, f func(part any)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			visit(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			visit(v.Index(i), f)
		}
	case reflect.Struct:
		if v.CanInterface() {
			f(v.Interface())
		}
		for _, field := range v.Fields() {
			visit(field, f)
		}
	default:
	}
}
