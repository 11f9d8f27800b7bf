package main

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/repository"

	webv1 "github.com/kuberator/kuberator/example/tutorial/step2/api/v1"
)

// fieldManager is the name under which the API server notes which fields the operator sets.
const fieldManager = "website"

// applyChildren makes the children of the Website what they should be, and returns its Deployment.
func (o *Operator) applyChildren(ctx context.Context, site *webv1.Website) (*appsv1.Deployment, error) {
	configMap, service, deployment := configMapOf(site), serviceOf(site), deploymentOf(site)
	for _, child := range []metav1.Object{configMap, service, deployment} {
		if err := repository.SetController(site, webv1.Kind(), child); err != nil {
			return nil, err
		}
	}
	if _, err := o.configMaps.Apply(ctx, configMap, fieldManager, repository.Force()); err != nil {
		return nil, err
	}
	if _, err := o.services.Apply(ctx, service, fieldManager, repository.Force()); err != nil {
		return nil, err
	}
	return o.deployments.Apply(ctx, deployment, fieldManager, repository.Force())
}

// metaOf returns the metadata that all children of a Website have.
func metaOf(site *webv1.Website) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: site.Namespace, Name: "website-" + site.Name, Labels: labelsOf(site)}
}

func labelsOf(site *webv1.Website) map[string]string {
	return map[string]string{"web.example.com/website": site.Name}
}

func configMapOf(site *webv1.Website) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metaOf(site), Data: site.Spec.Pages}
}

func serviceOf(site *webv1.Website) *corev1.Service {
	return &corev1.Service{ObjectMeta: metaOf(site), Spec: corev1.ServiceSpec{
		Selector: labelsOf(site),
		Ports:    []corev1.ServicePort{{Port: 80}},
	}}
}

func deploymentOf(site *webv1.Website) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metaOf(site), Spec: appsv1.DeploymentSpec{
		Replicas: &site.Spec.Replicas,
		Selector: &metav1.LabelSelector{MatchLabels: labelsOf(site)},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labelsOf(site)},
			Spec: corev1.PodSpec{
				Containers: []corev1.Container{{
					Name:         "nginx",
					Image:        "nginx:1.29",
					VolumeMounts: []corev1.VolumeMount{{Name: "pages", MountPath: "/usr/share/nginx/html"}},
				}},
				Volumes: []corev1.Volume{{Name: "pages", VolumeSource: corev1.VolumeSource{
					ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: metaOf(site).Name}},
				}}},
			},
		},
	}}
}
