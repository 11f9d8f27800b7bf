package sim

import (
	"fmt"
	"hash/fnv"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func defaultService(object map[string]any) {
	spec := child(object, "spec")
	if spec == nil {
		return
	}
	preset(spec, map[string]any{"type": "ClusterIP", "sessionAffinity": "None"})
	if spec["sessionAffinity"] == "None" {
		delete(spec, "sessionAffinityConfig")
	}
	if spec["sessionAffinity"] == "ClientIP" && child(child(spec, "sessionAffinityConfig"), "clientIP")["timeoutSeconds"] == nil {
		spec["sessionAffinityConfig"] = map[string]any{"clientIP": map[string]any{"timeoutSeconds": int64(10800)}}
	}
	for _, port := range children(spec, "ports") {
		preset(port, map[string]any{"protocol": "TCP"})
		if target := port["targetPort"]; target == nil || target == int64(0) || target == "" {
			port["targetPort"] = port["port"]
		}
	}
	switch spec["type"] {
	case "LoadBalancer":
		preset(spec, map[string]any{"externalTrafficPolicy": "Cluster", "internalTrafficPolicy": "Cluster", "allocateLoadBalancerNodePorts": true})
		for _, ingress := range children(child(child(object, "status"), "loadBalancer"), "ingress") {
			if ip, _ := ingress["ip"].(string); ip != "" {
				preset(ingress, map[string]any{"ipMode": "VIP"})
			}
		}
	case "NodePort":
		preset(spec, map[string]any{"externalTrafficPolicy": "Cluster", "internalTrafficPolicy": "Cluster"})
	case "ClusterIP":
		preset(spec, map[string]any{"internalTrafficPolicy": "Cluster"})
		if ips, _ := spec["externalIPs"].([]any); len(ips) > 0 {
			preset(spec, map[string]any{"externalTrafficPolicy": "Cluster"})
		}
	}
}

// bornService gives a Service what the server allocates.
func bornService(o *unstructured.Unstructured, dryRun bool) field.ErrorList {
	return onService(o.Object, nil, func(s, _ *corev1.Service) field.ErrorList {
		if s.Spec.ClusterIP != "" && len(s.Spec.ClusterIPs) == 0 {
			s.Spec.ClusterIPs = []string{s.Spec.ClusterIP}
		}
		if errs := familiesOf(s, nil); len(errs) > 0 {
			return errs
		}
		return allocate(s, dryRun)
	})
}

// showService leaves out a default that a Service of this type should not have been given, and adds
// what one does not have that its status has created.
func showService(object map[string]any) {
	spec := child(object, "spec")
	if spec["type"] == "ExternalName" {
		delete(spec, "internalTrafficPolicy")
	}
	if ip, _ := spec["clusterIP"].(string); ip != "" && spec["clusterIPs"] == nil {
		spec["clusterIPs"] = []any{ip}
	}
}

// changeService gives a Service what the client does not repeat, and takes what its type has not.
func changeService(next, current map[string]any, dryRun bool) field.ErrorList {
	shown := runtime.DeepCopyJSON(current) // the server fills in what was stored without it
	showService(shown)
	return onService(next, shown, func(s, old *corev1.Service) field.ErrorList {
		repeatAllocated(s, old)
		if errs := familiesOf(s, old); len(errs) > 0 {
			return errs
		}
		if isExternalName(old) || hasNodePorts(s) {
			if errs := allocate(s, dryRun); len(errs) > 0 {
				return errs
			}
		}
		dropOfOtherType(s, old)
		return nil
	})
}

// onService changes a Service as a Go type.
func onService(object, old map[string]any, change func(s, old *corev1.Service) field.ErrorList) field.ErrorList {
	s, was := &corev1.Service{}, &corev1.Service{}
	path := field.NewPath("spec")
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, s); err != nil {
		return field.ErrorList{field.Invalid(path, "", err.Error())}
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(old, was); err != nil {
		return field.ErrorList{field.Invalid(path, "", err.Error())}
	}
	if errs := change(s, was); len(errs) > 0 {
		return errs
	}
	changed, err := runtime.DefaultUnstructuredConverter.ToUnstructured(s)
	if err != nil {
		return field.ErrorList{field.InternalError(path, err)}
	}
	object["spec"], object["status"] = changed["spec"], changed["status"]
	return nil
}

func isHeadless(s *corev1.Service) bool {
	return len(s.Spec.ClusterIPs) == 1 && s.Spec.ClusterIPs[0] == corev1.ClusterIPNone
}

func isExternalName(s *corev1.Service) bool { return s.Spec.Type == corev1.ServiceTypeExternalName }

// familiesOf sets the IP families of a Service, in a cluster that has IPv4 only.
func familiesOf(s, old *corev1.Service) (errs field.ErrorList) {
	if isExternalName(s) {
		return nil
	}
	unselective := s.Spec.ClusterIP == corev1.ClusterIPNone && len(s.Spec.Selector) == 0
	if s.Spec.IPFamilyPolicy == nil {
		switch {
		case old != nil && old.Spec.IPFamilyPolicy != nil:
			s.Spec.IPFamilyPolicy = old.Spec.IPFamilyPolicy
		case unselective:
			s.Spec.IPFamilyPolicy = new(corev1.IPFamilyPolicyRequireDualStack)
		default:
			s.Spec.IPFamilyPolicy = new(corev1.IPFamilyPolicySingleStack)
		}
	}
	if errs := validateClusterIPs(s); len(errs) > 0 {
		return errs
	}
	single := *s.Spec.IPFamilyPolicy == corev1.IPFamilyPolicySingleStack
	path := field.NewPath("spec", "ipFamilyPolicy")
	if old != nil && single && slices.Equal(s.Spec.IPFamilies, old.Spec.IPFamilies) && len(s.Spec.IPFamilies) > 1 {
		s.Spec.IPFamilies = s.Spec.IPFamilies[:1]
	}
	if single && len(s.Spec.IPFamilies) == 2 {
		return append(errs, field.Invalid(path, s.Spec.IPFamilyPolicy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"))
	}
	if len(s.Spec.IPFamilies) == 0 {
		s.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	}
	if unselective {
		if len(s.Spec.IPFamilies) == 1 && !single {
			s.Spec.IPFamilies = append(s.Spec.IPFamilies, corev1.IPv6Protocol)
		}
		return nil
	}
	if *s.Spec.IPFamilyPolicy == corev1.IPFamilyPolicyRequireDualStack {
		errs = append(errs, field.Invalid(path, s.Spec.IPFamilyPolicy, "this cluster is not configured for dual-stack services"))
	}
	for i, family := range s.Spec.IPFamilies {
		if family != corev1.IPv4Protocol {
			errs = append(errs, field.Invalid(field.NewPath("spec", "ipFamilies").Index(i), family, "not configured on this cluster"))
		}
	}
	return errs
}

// noAddress is that of the network of Services. A dry run shows it as the address of a Service, which
// none can have.
const noAddress = "10.0.0.0"

// allocate gives a Service addresses and ports that no other one is likely to have. Who reserves an
// address has a name, but a dry run reserves none.
func allocate(s *corev1.Service, dryRun bool) field.ErrorList {
	random := fnv.New32()
	_, _ = random.Write([]byte(s.UID)) // it never fails
	path := field.NewPath("spec", "clusterIPs")
	switch ip := noAddress; {
	case isExternalName(s):
	case len(s.Spec.ClusterIPs) > 0 && s.Spec.ClusterIPs[0] == noAddress:
		return field.ErrorList{field.Invalid(path, s.Spec.ClusterIPs, "failed to allocate IP "+noAddress+": the provided IP is not in the valid range")}
	case len(s.Spec.ClusterIPs) > 0:
	case s.Name == "" && !dryRun:
		return field.ErrorList{field.Invalid(path, "", "failed to allocate IP: a Service without a name")}
	default:
		if !dryRun {
			ip = fmt.Sprintf("10.%d.%d.%d", random.Sum32()>>16&15, random.Sum32()>>8&255, random.Sum32()&255)
		}
		s.Spec.ClusterIP, s.Spec.ClusterIPs = ip, []string{ip}
	}
	allocatePorts(s, random.Sum32())
	return nil
}

func allocatePorts(s *corev1.Service, random uint32) {
	if !hasNodePorts(s) {
		return
	}
	used := map[int32]int32{} // the same port of several protocols has one
	for i := range s.Spec.Ports {
		port := &s.Spec.Ports[i]
		if port.NodePort == 0 {
			port.NodePort = used[port.Port]
		}
		if port.NodePort == 0 {
			const first, many = 30_000, 2_768
			port.NodePort = first + int32((random+uint32(i))%many) //nolint:gosec // i is small
		}
		used[port.Port] = port.NodePort
	}
}

func hasNodePorts(s *corev1.Service) bool {
	return s.Spec.Type == corev1.ServiceTypeNodePort ||
		s.Spec.Type == corev1.ServiceTypeLoadBalancer && (s.Spec.AllocateLoadBalancerNodePorts == nil || *s.Spec.AllocateLoadBalancerNodePorts)
}

// repeatAllocated sets what was allocated before, if the client has left it out.
func repeatAllocated(s, old *corev1.Service) {
	if !isExternalName(s) && !isExternalName(old) {
		if s.Spec.ClusterIP == "" {
			s.Spec.ClusterIP = old.Spec.ClusterIP
		}
		if len(s.Spec.ClusterIPs) == 0 {
			s.Spec.ClusterIPs = old.Spec.ClusterIPs
		}
	}
	if hasNodePorts(s) && hasNodePorts(old) {
		ports := map[string]int32{}
		for _, port := range old.Spec.Ports {
			ports[port.Name] = port.NodePort
		}
		for i := range s.Spec.Ports {
			if port := &s.Spec.Ports[i]; port.NodePort == 0 {
				port.NodePort = ports[port.Name]
			}
		}
	}
	same := slices.Equal(s.Spec.ClusterIPs, old.Spec.ClusterIPs)
	switch is, was := s.Spec.ClusterIP, old.Spec.ClusterIP; {
	case is == was && len(s.Spec.ClusterIPs) == 0:
		s.Spec.ClusterIPs = old.Spec.ClusterIPs
	case is == was || !same && is != "":
	case is == "" && was != "" && same:
		s.Spec.ClusterIPs = nil
	case is != "" && same:
		s.Spec.ClusterIPs = []string{is}
	}
}

// dropOfOtherType takes what a Service has no more in its new type, and what the client has not
// changed.
func dropOfOtherType(s, old *corev1.Service) {
	if isExternalName(s) && !isExternalName(old) {
		if s.Spec.ClusterIP == old.Spec.ClusterIP && slices.Equal(s.Spec.ClusterIPs, old.Spec.ClusterIPs) {
			s.Spec.ClusterIP, s.Spec.ClusterIPs = "", nil
		}
		if slices.Equal(s.Spec.IPFamilies, old.Spec.IPFamilies) {
			s.Spec.IPFamilies = nil
		}
		if s.Spec.IPFamilyPolicy != nil && old.Spec.IPFamilyPolicy != nil && *s.Spec.IPFamilyPolicy == *old.Spec.IPFamilyPolicy {
			s.Spec.IPFamilyPolicy = nil
		}
	}
	if hasNodePorts(old) && !hasNodePorts(s) {
		for i := range s.Spec.Ports {
			s.Spec.Ports[i].NodePort = 0
		}
	}
	if isExternal(old) && !isExternal(s) && s.Spec.ExternalTrafficPolicy == old.Spec.ExternalTrafficPolicy {
		s.Spec.ExternalTrafficPolicy = ""
	}
	if s.Spec.Type != corev1.ServiceTypeLoadBalancer {
		s.Status.LoadBalancer = corev1.LoadBalancerStatus{}
		if old.Spec.Type == corev1.ServiceTypeLoadBalancer {
			s.Spec.AllocateLoadBalancerNodePorts = nil
		}
	}
}

// isExternal reports whether a Service is reached from outside of the cluster.
func isExternal(s *corev1.Service) bool {
	return s.Spec.Type == corev1.ServiceTypeLoadBalancer || s.Spec.Type == corev1.ServiceTypeNodePort ||
		s.Spec.Type == corev1.ServiceTypeClusterIP && len(s.Spec.ExternalIPs) > 0
}
