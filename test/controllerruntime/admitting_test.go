package controllerruntime_test

import (
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kuberator/kuberator/controller"
)

// admitting is a webhook server of controller-runtime, without a manager, as a runner.
func admitting(opts webhook.Options, handler admission.HandlerFunc) controller.Runner {
	server := webhook.NewServer(opts)
	server.Register("/validate", &admission.Webhook{Handler: handler})
	return controller.RunnerFunc(server.Start) // for operator.Process.EachReplica
}
