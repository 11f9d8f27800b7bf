package sim

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// validateService is a part of the rules for Services: those about ports, types and addresses.
func validateService(object, old map[string]any) (errs field.ErrorList) {
	return onService(object, old, func(s, before *corev1.Service) field.ErrorList {
		path := field.NewPath("spec")
		if old != nil {
			errs = append(errs, validateAddressChange(s, before)...)
		}
		if len(s.Spec.Ports) == 0 && !isHeadless(s) && !isExternalName(s) {
			errs = append(errs, field.Required(path.Child("ports"), ""))
		}
		if isHeadless(s) && (s.Spec.Type == corev1.ServiceTypeLoadBalancer || s.Spec.Type == corev1.ServiceTypeNodePort) {
			errs = append(errs, field.Invalid(path.Child("clusterIPs").Index(0), s.Spec.ClusterIPs[0], "may not be set to 'None'"))
		}
		if isExternalName(s) {
			errs = append(errs, validateExternalName(s)...)
		}
		errs = append(errs, validatePorts(s.Spec.Ports)...)
		if s.Spec.Selector != nil {
			errs = append(errs, metavalidation.ValidateLabels(s.Spec.Selector, path.Child("selector"))...)
		}
		supported := []corev1.ServiceAffinity{corev1.ServiceAffinityClientIP, corev1.ServiceAffinityNone}
		if !slices.Contains(supported, s.Spec.SessionAffinity) {
			errs = append(errs, field.NotSupported(path.Child("sessionAffinity"), s.Spec.SessionAffinity, supported))
		}
		errs = append(errs, validateClusterIPs(s)...)
		types := []corev1.ServiceType{corev1.ServiceTypeClusterIP, corev1.ServiceTypeExternalName, corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort}
		if !slices.Contains(types, s.Spec.Type) {
			errs = append(errs, field.NotSupported(path.Child("type"), s.Spec.Type, types))
		}
		for i, port := range s.Spec.Ports {
			if port.NodePort != 0 && s.Spec.Type == corev1.ServiceTypeClusterIP {
				errs = append(errs, field.Forbidden(path.Child("ports").Index(i).Child("nodePort"), "may not be used when `type` is 'ClusterIP'"))
			}
		}
		return errs
	})
}

func validateExternalName(s *corev1.Service) (errs field.ErrorList) {
	path := field.NewPath("spec")
	const why = "may not be set for ExternalName services"
	if len(s.Spec.ClusterIPs) > 0 {
		errs = append(errs, field.Forbidden(path.Child("clusterIPs"), why))
	}
	if len(s.Spec.IPFamilies) > 0 {
		errs = append(errs, field.Forbidden(path.Child("ipFamilies"), why))
	}
	if s.Spec.IPFamilyPolicy != nil {
		errs = append(errs, field.Forbidden(path.Child("ipFamilyPolicy"), why))
	}
	if s.Spec.ExternalName == "" {
		return append(errs, field.Required(path.Child("externalName"), ""))
	}
	for _, wrong := range validation.IsDNS1123Subdomain(s.Spec.ExternalName) {
		errs = append(errs, field.Invalid(path.Child("externalName"), s.Spec.ExternalName, wrong))
	}
	return errs
}

func validatePorts(ports []corev1.ServicePort) (errs field.ErrorList) {
	protocols := []corev1.Protocol{corev1.ProtocolSCTP, corev1.ProtocolTCP, corev1.ProtocolUDP}
	type identity struct {
		protocol corev1.Protocol
		port     int32
	}
	var names []string
	var seen []identity
	for i, port := range ports {
		path := field.NewPath("spec", "ports").Index(i)
		switch {
		case port.Name == "" && len(ports) > 1:
			errs = append(errs, field.Required(path.Child("name"), ""))
		case port.Name != "":
			for _, wrong := range validation.IsDNS1123Label(port.Name) {
				errs = append(errs, field.Invalid(path.Child("name"), port.Name, wrong))
			}
			if slices.Contains(names, port.Name) {
				errs = append(errs, field.Duplicate(path.Child("name"), port.Name))
			}
			names = append(names, port.Name)
		}
		for _, wrong := range validation.IsValidPortNum(int(port.Port)) {
			errs = append(errs, field.Invalid(path.Child("port"), port.Port, wrong))
		}
		if !slices.Contains(protocols, port.Protocol) {
			errs = append(errs, field.NotSupported(path.Child("protocol"), port.Protocol, protocols))
		}
		wrong := validation.IsValidPortName(port.TargetPort.StrVal)
		if port.TargetPort.Type == intstr.Int {
			wrong = validation.IsValidPortNum(port.TargetPort.IntValue())
		}
		for _, wrong := range wrong {
			errs = append(errs, field.Invalid(path.Child("targetPort"), port.TargetPort, wrong))
		}
		is := identity{port.Protocol, port.Port}
		if slices.Contains(seen, is) {
			errs = append(errs, field.Duplicate(path, is))
		}
		seen = append(seen, is)
	}
	return errs
}

// validateClusterIPs: the list and its first item, which came first in history, agree.
func validateClusterIPs(s *corev1.Service) (errs field.ErrorList) {
	if isExternalName(s) {
		return nil
	}
	path := field.NewPath("spec", "clusterIPs")
	switch {
	case s.Spec.ClusterIP == "" && len(s.Spec.ClusterIPs) > 0:
		errs = append(errs, field.Invalid(path, s.Spec.ClusterIPs, "must be empty when `clusterIP` is not specified"))
	case s.Spec.ClusterIP != "" && len(s.Spec.ClusterIPs) == 0:
		errs = append(errs, field.Required(path, ""))
	case s.Spec.ClusterIP != "" && s.Spec.ClusterIPs[0] != s.Spec.ClusterIP:
		errs = append(errs, field.Invalid(path, s.Spec.ClusterIPs, "first value must match `clusterIP`"))
	}
	for i, ip := range s.Spec.ClusterIPs {
		if i == 0 && ip == corev1.ClusterIPNone {
			if len(s.Spec.ClusterIPs) > 1 {
				errs = append(errs, field.Invalid(path, s.Spec.ClusterIPs, "'None' must be the first and only value"))
			}
			continue
		}
		if _, err := netip.ParseAddr(ip); err != nil {
			errs = append(errs, field.Invalid(path.Index(i), ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"))
		}
	}
	return errs
}

// validateAddressChange: a Service keeps its address, unless it is or becomes one without.
func validateAddressChange(s, old *corev1.Service) (errs field.ErrorList) {
	if isExternalName(s) || isExternalName(old) || isHeadless(s) && isHeadless(old) {
		return nil
	}
	path := field.NewPath("spec", "clusterIPs").Index(0)
	switch is, was := s.Spec.ClusterIPs, old.Spec.ClusterIPs; {
	case len(is) == 0 && len(was) > 0:
		errs = append(errs, field.Invalid(path, is, "primary clusterIP can not be unset"))
	case len(was) > 0 && is[0] != was[0]:
		errs = append(errs, field.Invalid(path, is, "may not change once set"))
	}
	return errs
}

// serviceWarnings are about fields that have no effect.
func serviceWarnings(object map[string]any) (warnings []string) {
	spec := child(object, "spec")
	if equal(spec["clusterIPs"], []any{corev1.ClusterIPNone}) && spec["sessionAffinity"] != "None" {
		warnings = append(warnings, "spec.SessionAffinity is ignored for headless services")
	}
	if name, _ := spec["externalName"].(string); name != "" && spec["type"] != "ExternalName" {
		warnings = append(warnings, `spec.externalName is ignored when spec.type is not "ExternalName"`)
	}
	return warnings
}
