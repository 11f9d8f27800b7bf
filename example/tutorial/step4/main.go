// The program website is an operator: it serves the pages of each Website.
package main

import (
	_ "embed"
	"flag"
	"log"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kuberator/kuberator/operator"
)

//go:embed config/crd/web.example.com_websites.yaml
var crd []byte

// dnsURL is where the DNS provider is.
var dnsURL = flag.String("dns-url", "http://127.0.0.1:8053", "`URL` of the DNS provider")

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
		Flags:       flag.CommandLine,
	})
}

// setup makes the controller of the process.
func setup(p *operator.Process) error {
	c, err := New(p.Config, &Operator{events: p.Events, dns: provider(*dnsURL)}, p.Options())
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
