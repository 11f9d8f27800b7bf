package main

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/explore/kuberator"
	"github.com/kuberator/kuberator/test/sim"
)

func TestHelloExplored(t *testing.T) {
	kuberator.Reconcile(t, explore.Case[*corev1.ConfigMap]{Kinds: sim.Core("configmaps")},
		func(*explore.Env) (controller.Context[*corev1.ConfigMap], error) { return hello{}, nil },
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "world"}})
}
