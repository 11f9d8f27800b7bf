package sim

import "k8s.io/apimachinery/pkg/version"

// How kubectl may name kinds that are compiled in, by resource and group.
var (
	shortNames = map[string][]string{
		"configmaps": {"cm"}, "services": {"svc"}, "pods": {"po"}, "namespaces": {"ns"}, "nodes": {"no"},
		"deployments.apps": {"deploy"}, "replicasets.apps": {"rs"}, "statefulsets.apps": {"sts"}, "daemonsets.apps": {"ds"},
		"serviceaccounts": {"sa"}, "persistentvolumeclaims": {"pvc"}, "persistentvolumes": {"pv"}, "events": {"ev"},
		"events.events.k8s.io": {"ev"}, "endpoints": {"ep"}, "cronjobs.batch": {"cj"}, "ingresses.networking.k8s.io": {"ing"},
		"networkpolicies.networking.k8s.io": {"netpol"}, "poddisruptionbudgets.policy": {"pdb"},
		"limitranges": {"limits"}, "replicationcontrollers": {"rc"}, "resourcequotas": {"quota"},
		"horizontalpodautoscalers.autoscaling": {"hpa"}, "certificatesigningrequests.certificates.k8s.io": {"csr"},
		"ipaddresses.networking.k8s.io": {"ip"}, "priorityclasses.scheduling.k8s.io": {"pc"},
		"storageclasses.storage.k8s.io": {"sc"}, "volumeattributesclasses.storage.k8s.io": {"vac"},
	}
	all        = []string{"all"}
	extensions = []string{"api-extensions"}
	// categories are the names for several kinds at once.
	categories = map[string][]string{
		"pods": all, "replicationcontrollers": all, "services": all, "daemonsets.apps": all, "deployments.apps": all, "replicasets.apps": all,
		"statefulsets.apps": all, "horizontalpodautoscalers.autoscaling": all, "jobs.batch": all, "cronjobs.batch": all,
		"mutatingadmissionpolicies.admissionregistration.k8s.io":         extensions,
		"mutatingadmissionpolicybindings.admissionregistration.k8s.io":   extensions,
		"mutatingwebhookconfigurations.admissionregistration.k8s.io":     extensions,
		"validatingadmissionpolicies.admissionregistration.k8s.io":       extensions,
		"validatingadmissionpolicybindings.admissionregistration.k8s.io": extensions,
		"validatingwebhookconfigurations.admissionregistration.k8s.io":   extensions,
	}
)

// compareVersions orders versions as the server does: v1 is before v1beta1, which is before
// v1alpha1.
func compareVersions(a, b string) int { return version.CompareKubeAwareVersionStrings(a, b) }
