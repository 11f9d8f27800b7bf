package configmirror

import (
	_ "embed"

	rbacv1 "k8s.io/api/rbac/v1"
)

// The definition is generated from the Go types, and the rest from the program, see its --manifests.
var (
	//go:embed config/mirror.kuberator.dev_configmirrors.yaml
	crdYAML string
	//go:embed config/base/namespace.yaml
	namespaceYAML string
	//go:embed config/base/rbac.yaml
	rbacYAML string
)

// Where the manifests put the operator.
const (
	// Namespace is the namespace of the operator.
	Namespace = "configmirror-system"
	// ServiceAccount is the name of its service account.
	ServiceAccount = "configmirror"
)

// Rules are the rights that Apply and Cleanup need: sources are read, copies are written. Both can be in any
// namespace.
func Rules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{{
		APIGroups: []string{""}, Resources: []string{"configmaps", "secrets"}, Verbs: []string{"get", "list", "create", "patch", "delete"},
	}}
}

// CRD returns the CustomResourceDefinition of ConfigMirrors, as YAML.
func CRD() []byte { return []byte(crdYAML) }

// RBAC returns the namespace, the service account and the rights of the operator,
// as YAML.
func RBAC() []byte { return []byte(namespaceYAML + "---\n" + rbacYAML) }
