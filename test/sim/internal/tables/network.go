package tables

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

func service(s *corev1.Service) []any {
	internal := none
	if len(s.Spec.ClusterIPs) > 0 {
		internal = s.Spec.ClusterIPs[0]
	}
	var ports []string
	for _, p := range s.Spec.Ports {
		text := fmt.Sprintf("%d/%s", p.Port, p.Protocol)
		if p.NodePort > 0 {
			text = fmt.Sprintf("%d:%d/%s", p.Port, p.NodePort, p.Protocol)
		}
		ports = append(ports, text)
	}
	return []any{
		s.Name, string(s.Spec.Type), internal, external(s), or(strings.Join(ports, ","), none), age(s.CreationTimestamp), labels.FormatLabels(s.Spec.Selector),
	}
}

// external is under which addresses others reach a Service.
func external(s *corev1.Service) string {
	switch s.Spec.Type {
	case corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort:
		return or(strings.Join(s.Spec.ExternalIPs, ","), none)
	case corev1.ServiceTypeLoadBalancer:
		seen := map[string]bool{}
		for _, i := range s.Status.LoadBalancer.Ingress {
			seen[or(i.IP, i.Hostname)] = true
		}
		return or(strings.Join(append(slices.Sorted(maps.Keys(seen)), s.Spec.ExternalIPs...), ","), "<pending>")
	case corev1.ServiceTypeExternalName:
		return s.Spec.ExternalName
	}
	return unknown
}

// firstFew shows so many of a list, and says how many more there are.
func firstFew(list []string, most int, nothing string) string {
	switch {
	case len(list) == 0:
		return nothing
	case len(list) > most:
		return fmt.Sprintf("%s + %d more...", strings.Join(list[:most], ","), len(list)-most)
	}
	return strings.Join(list, ",")
}

const few = 3

func endpoints(e *corev1.Endpoints) []any { //nolint:staticcheck // the kind is deprecated, and served
	var list []string
	for _, subset := range e.Subsets {
		for _, address := range subset.Addresses {
			if len(subset.Ports) == 0 {
				list = append(list, address.IP)
			}
		}
		for _, port := range subset.Ports {
			for _, address := range subset.Addresses {
				list = append(list, net.JoinHostPort(address.IP, strconv.Itoa(int(port.Port))))
			}
		}
	}
	return []any{e.Name, firstFew(list, few, none), age(e.CreationTimestamp)}
}

func endpointSlice(e *discoveryv1.EndpointSlice) []any {
	var ports, addresses []string
	for _, p := range e.Ports {
		text := "*"
		switch {
		case p.Port != nil:
			text = strconv.Itoa(int(*p.Port))
		case p.Name != nil:
			text = *p.Name
		}
		ports = append(ports, text)
	}
	for _, endpoint := range e.Endpoints {
		addresses = append(addresses, endpoint.Addresses...)
	}
	return []any{e.Name, string(e.AddressType), firstFew(ports, few, unset), firstFew(addresses, few, unset), age(e.CreationTimestamp)}
}

func ingress(i *networkingv1.Ingress) []any {
	var hosts []string
	for _, rule := range i.Spec.Rules {
		if rule.Host != "" {
			hosts = append(hosts, rule.Host)
		}
	}
	seen := map[string]bool{}
	for _, at := range i.Status.LoadBalancer.Ingress {
		seen[or(at.IP, at.Hostname)] = true
	}
	ports := "80"
	if len(i.Spec.TLS) > 0 {
		ports = "80, 443"
	}
	return []any{
		i.Name, deref(i.Spec.IngressClassName, none), firstFew(hosts, few, "*"), strings.Join(slices.Sorted(maps.Keys(seen)), ","), ports, age(i.CreationTimestamp),
	}
}

func ingressClass(c *networkingv1.IngressClass) []any {
	name, parameters := c.Name, none
	if c.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true" {
		name += " (default)"
	}
	if p := c.Spec.Parameters; p != nil {
		parameters = p.Kind
		if p.APIGroup != nil {
			parameters += "." + *p.APIGroup
		}
		parameters += "/" + p.Name
	}
	return []any{name, c.Spec.Controller, parameters, age(c.CreationTimestamp)}
}

func networkPolicy(p *networkingv1.NetworkPolicy) []any {
	return []any{p.Name, metav1.FormatLabelSelector(&p.Spec.PodSelector), age(p.CreationTimestamp)}
}
