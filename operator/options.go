package operator

import (
	"errors"
	"flag"
	"fmt"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
)

// Options say what is particular about an operator. A nil *Options and zero values mean the defaults.
type Options struct {
	// Description is what --help says first: what the operator does, in a sentence or two.
	Description string
	// Namespace is where the operator is installed, by the manifests and for the lease of a process that
	// runs outside of a cluster. In a Pod the lease is in the namespace of the Pod. The default is the name
	// of the operator with "-system".
	Namespace string
	// Image is the container image in the manifests. The default is the name of the operator.
	Image string
	// Scheme has the Go types of the objects that events are about. The default is that of client-go, which
	// has the types of Kubernetes only.
	Scheme *runtime.Scheme
	// Rules are the rights that Apply and Cleanup need, beside those that the library knows of, see
	// [Process.RequiredRules]. For rights that depend on flags, see [Process.Allow].
	Rules []rbacv1.PolicyRule
	// CRDs are the CustomResourceDefinitions in the manifests, as YAML.
	CRDs []byte
	// ClusterWide leaves out the flag --namespaces: for operators of kinds without a namespace, and for those that
	// work in all namespaces.
	ClusterWide bool
	// Flags are flags of the operator's own, which are parsed beside those of this package; for instance
	// flag.CommandLine.
	Flags *flag.FlagSet
	// Observer gets what the observers of this package get, for instance trace.New(…).
	Observer controller.Observer
}

// mostName is so short that what is added to it in the manifests fits into a label.
const mostName = 45

// names are what the name of an operator stands for.
type names struct {
	Full string // with the domain: who reports events
	Name string // without: the lease, the manifests, environment variables
}

func (o *Options) withDefaults(name string) (Options, names, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	domain, short, ok := strings.Cut(name, "/")
	n := names{Full: name, Name: short}
	if !ok || domain == "" {
		return opts, n, fmt.Errorf("the name of the operator is %q, it must have a domain in front, as in example.com/shop-operator", name)
	}
	if problems := validation.NameIsDNSLabel(short, false); len(problems) > 0 {
		return opts, n, fmt.Errorf("the name of the operator is %q: %s", name, strings.Join(problems, ", "))
	}
	if len(short) > mostName {
		return opts, n, fmt.Errorf("the name of the operator is %q, which is longer than %d characters: names in its manifests are made of it", name, mostName)
	}
	if opts.Namespace == "" {
		opts.Namespace = short + "-system"
	}
	if problems := validation.ValidateNamespaceName(opts.Namespace, false); len(problems) > 0 {
		return opts, n, field.Invalid(field.NewPath("Namespace"), opts.Namespace, strings.Join(problems, ", "))
	}
	if opts.Image == "" {
		opts.Image = short + ":latest"
	}
	if strings.ContainsAny(opts.Image, " \n\"'") {
		return opts, n, errors.New("the Image has a space or a quotation mark in it")
	}
	if opts.Scheme == nil {
		opts.Scheme = scheme.Scheme
	}
	return opts, n, nil
}
