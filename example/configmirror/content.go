package configmirror

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/kuberator/kuberator/repository"
)

// content is what a mirror copies of an object of a kind.
type content[T repository.Object] struct {
	// blank returns an object without anything.
	blank func() T
	// fill makes the content of an object that of the source. A copy is not made
	// immutable when its source is: a source can be deleted and created again, and its
	// copies must follow.
	fill func(into, source T)
	// fixed tells that the API server refuses to make the content of have that of
	// want: have must be deleted and created again.
	fixed func(have, want T) bool
}

func configMapContent() content[*corev1.ConfigMap] {
	return content[*corev1.ConfigMap]{
		blank: func() *corev1.ConfigMap { return &corev1.ConfigMap{} },
		fill: func(into, source *corev1.ConfigMap) {
			into.Data, into.BinaryData = maps.Clone(source.Data), maps.Clone(source.BinaryData)
		},
		fixed: func(have, want *corev1.ConfigMap) bool {
			return isTrue(have.Immutable) && !(equality.Semantic.DeepEqual(have.Data, want.Data) &&
				equality.Semantic.DeepEqual(have.BinaryData, want.BinaryData))
		},
	}
}

func secretContent() content[*corev1.Secret] {
	return content[*corev1.Secret]{
		blank: func() *corev1.Secret { return &corev1.Secret{} },
		fill: func(into, source *corev1.Secret) {
			into.Type, into.Data = source.Type, maps.Clone(source.Data)
		},
		fixed: func(have, want *corev1.Secret) bool {
			return have.Type != want.Type || isTrue(have.Immutable) && !equality.Semantic.DeepEqual(have.Data, want.Data)
		},
	}
}

func isTrue(b *bool) bool { return b != nil && *b }
