// The program website is an operator: it serves the pages of each Website.
package main

import (
	_ "embed"
	"log"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kuberator/kuberator/operator"
)

//go:embed config/crd/web.example.com_websites.yaml
var crd []byte

func main() {
	known, err := newScheme()
	if err != nil {
		log.Fatal(err)
	}
	operator.Main("web.example.com/website", setup, &operator.Options{
		Description: "website serves the pages of each Website.",
		Scheme:      known,
		CRDs:        crd,
		Rules:       rules(),
		ClusterWide: true,
	})
}

// setup makes the controller of the process.
func setup(p *operator.Process) error {
	c, err := New(p.Config, &Operator{}, p.Options())
	if err != nil {
		return err
	}
	p.Lead(c)
	return nil
}

// rules are the rights that Apply needs, beside those that the library knows of.
func rules() []rbacv1.PolicyRule {
	write := []string{"get", "create", "patch"}
	return []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps", "services"}, Verbs: write},
		{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: write},
	}
}
