package sim

import (
	"encoding/base64"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// child returns an object in an object, nil if there is none.
func child(object map[string]any, name string) map[string]any {
	c, _ := object[name].(map[string]any)
	return c
}

// children returns the objects in a list in an object.
func children(object map[string]any, name string) (out []map[string]any) {
	list, _ := object[name].([]any)
	for _, item := range list {
		if c, ok := item.(map[string]any); ok {
			out = append(out, c)
		}
	}
	return out
}

// preset gives fields values that they do not have.
func preset(object map[string]any, values map[string]any) {
	for key, value := range values {
		if object[key] == nil || object[key] == "" {
			object[key] = value
		}
	}
}

func defaultNamespace(object map[string]any) {
	metadata := child(object, "metadata")
	name, _ := metadata["name"].(string)
	if name == "" {
		return
	}
	preset(metadata, map[string]any{"labels": map[string]any{}})
	child(metadata, "labels")["kubernetes.io/metadata.name"] = name
}

// emptyBytes: a null among bytes is stored as nothing, and read as an empty text, which is stored
// otherwise.
func emptyBytes(field string) func(object map[string]any) bool {
	return func(object map[string]any) (unsettled bool) {
		data := child(object, field)
		for key, value := range data {
			if value == nil {
				data[key], unsettled = "", true
			}
		}
		return unsettled
	}
}

// defaultSecret also moves what is written as text to the rest.
func defaultSecret(object map[string]any) {
	preset(object, map[string]any{"type": "Opaque"})
	texts := child(object, "stringData")
	if texts == nil {
		return
	}
	preset(object, map[string]any{"data": map[string]any{}})
	for key, value := range texts {
		text, _ := value.(string)
		child(object, "data")[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	delete(object, "stringData")
}

// defaultBinding says which API group roles, users and groups belong to.
func defaultBinding(object map[string]any) {
	group := map[string]any{"apiGroup": rbacv1.GroupName}
	if role := child(object, "roleRef"); role != nil {
		preset(role, group)
	}
	for _, subject := range children(object, "subjects") {
		if subject["kind"] == rbacv1.UserKind || subject["kind"] == rbacv1.GroupKind {
			preset(subject, group)
		}
	}
}

func defaultReplicas(object map[string]any) {
	if spec := child(object, "spec"); spec != nil {
		preset(spec, map[string]any{"replicas": int64(1)})
		defaultTemplate(object)
	}
}

func defaultDeployment(object map[string]any) {
	spec := child(object, "spec")
	if spec == nil {
		return
	}
	defaultReplicas(object)
	preset(spec, map[string]any{"revisionHistoryLimit": int64(10), "progressDeadlineSeconds": int64(600), "strategy": map[string]any{}})
	strategy := child(spec, "strategy")
	preset(strategy, map[string]any{"type": "RollingUpdate"})
	if strategy["type"] == "RollingUpdate" {
		preset(strategy, map[string]any{"rollingUpdate": map[string]any{}})
		preset(child(strategy, "rollingUpdate"), map[string]any{"maxSurge": "25%", "maxUnavailable": "25%"})
	}
}

func defaultTemplate(object map[string]any) {
	defaultPod(child(child(child(object, "spec"), "template"), "spec"))
}

func defaultPod(spec map[string]any) {
	if spec == nil {
		return
	}
	preset(spec, map[string]any{
		"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
		"terminationGracePeriodSeconds": int64(30), "securityContext": map[string]any{},
	})
	for _, c := range append(children(spec, "containers"), children(spec, "initContainers")...) {
		image, _ := c["image"].(string)
		pull := "IfNotPresent"
		if name := image[strings.LastIndex(image, "/")+1:]; !strings.Contains(name, ":") || strings.HasSuffix(name, ":latest") {
			pull = "Always"
		}
		preset(c, map[string]any{"imagePullPolicy": pull, "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"})
		for _, port := range children(c, "ports") {
			preset(port, map[string]any{"protocol": "TCP"})
		}
	}
}
