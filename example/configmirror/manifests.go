package configmirror

import (
	_ "embed"
)

var (
	//go:embed config/mirror.kuberator.dev_configmirrors.yaml
	crdYAML string
	//go:embed config/rbac.yaml
	rbacYAML string
)

// Where the manifests of [RBAC] put the operator.
const (
	// Namespace is the namespace of the operator.
	Namespace = "configmirror-system"
	// ServiceAccount is the name of its service account.
	ServiceAccount = "configmirror"
)

// CRD returns the CustomResourceDefinition of ConfigMirrors, as YAML.
func CRD() []byte { return []byte(crdYAML) }

// RBAC returns the namespace, the service account and the rights of the operator,
// as YAML.
func RBAC() []byte { return []byte(rbacYAML) }
