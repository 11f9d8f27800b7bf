package tables

import (
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// builtins are the columns of kinds that are compiled in, which are made when the first table is
// asked for. Kinds that are not here have a name and a time.
var builtins = sync.OnceValue(func() map[schema.GroupKind]*Columns {
	pods := show([]string{"Name", "Ready", "Status", "Restarts", "Age", "IP+", "Node+", "Nominated Node+", "Readiness Gates+"}, pod)
	pods.state = podState
	events := show([]string{
		"Last Seen", "Type", "Reason", "Object", "Subobject+", "Source+", "Message", "First Seen+", "Count+", "Name+",
	}, event)
	replicated := []string{"Name", "Desired integer", "Current integer", "Ready integer", "Age", "Containers+", "Images+", "Selector+"}
	bound := []string{"Name", "Role", "Age", "Users+", "Groups+", "ServiceAccounts+"}
	return map[schema.GroupKind]*Columns{
		{Kind: "Pod"}:                   pods,
		{Kind: "Event"}:                 events,
		{Kind: "ReplicationController"}: show(replicated, replicationController),
		{Kind: "ConfigMap"}:             show([]string{"Name", "Data", "Age"}, configMap),
		{Kind: "Secret"}:                show([]string{"Name", "Type", "Data", "Age"}, secret),
		{Kind: "Namespace"}:             show([]string{"Name", "Status", "Age"}, namespace),
		{Kind: "ServiceAccount"}:        show([]string{"Name", "Age"}, serviceAccount),
		{Kind: "Service"}:               show([]string{"Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector+"}, service),
		{Kind: "Endpoints"}:             show([]string{"Name", "Endpoints", "Age"}, endpoints),
		{Kind: "Node"}: show([]string{
			"Name", "Status", "Roles", "Age", "Version", "Internal-IP+", "External-IP+", "OS-Image+", "Kernel-Version+", "Container-Runtime+",
		}, node),
		{Kind: "PersistentVolume"}: show([]string{
			"Name", "Capacity", "Access Modes", "Reclaim Policy", "Status", "Claim", "StorageClass", "VolumeAttributesClass", "Reason", "Age", "VolumeMode+",
		}, volume),
		{Kind: "PersistentVolumeClaim"}: show([]string{
			"Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age", "VolumeMode+",
		}, claim),
		{Group: appsv1.GroupName, Kind: "Deployment"}: show([]string{
			"Name", "Ready", "Up-to-date", "Available", "Age", "Containers+", "Images+", "Selector+",
		}, deployment),
		{Group: appsv1.GroupName, Kind: "ReplicaSet"}:  show(replicated, replicaSet),
		{Group: appsv1.GroupName, Kind: "StatefulSet"}: show([]string{"Name", "Ready", "Age", "Containers+", "Images+"}, statefulSet),
		{Group: appsv1.GroupName, Kind: "DaemonSet"}: show([]string{
			"Name", "Desired integer", "Current integer", "Ready integer", "Up-to-date integer", "Available integer", "Node Selector", "Age",
			"Containers+", "Images+", "Selector+",
		}, daemonSet),
		{Group: appsv1.GroupName, Kind: "ControllerRevision"}: show([]string{"Name", "Controller", "Revision", "Age"}, revision),
		{Group: batchv1.GroupName, Kind: "Job"}: show([]string{
			"Name", "Status", "Completions", "Duration", "Age", "Containers+", "Images+", "Selector+",
		}, job),
		{Group: batchv1.GroupName, Kind: "CronJob"}: show([]string{
			"Name", "Schedule", "Timezone", "Suspend boolean", "Active integer", "Last Schedule", "Age", "Containers+", "Images+", "Selector+",
		}, cronJob),
		{Group: autoscalingv1.GroupName, Kind: "Scale"}: show([]string{"Name", "Desired integer", "Available integer", "Age"}, scale),
		{Group: autoscalingv2.GroupName, Kind: "HorizontalPodAutoscaler"}: show([]string{
			"Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age",
		}, autoscaler),
		{Group: networkingv1.GroupName, Kind: "Ingress"}:         show([]string{"Name", "Class", "Hosts", "Address", "Ports", "Age"}, ingress),
		{Group: networkingv1.GroupName, Kind: "IngressClass"}:    show([]string{"Name", "Controller", "Parameters", "Age"}, ingressClass),
		{Group: networkingv1.GroupName, Kind: "NetworkPolicy"}:   show([]string{"Name", "Pod-Selector", "Age"}, networkPolicy),
		{Group: policyv1.GroupName, Kind: "PodDisruptionBudget"}: show([]string{"Name", "Min Available", "Max Unavailable", "Allowed Disruptions integer", "Age"}, budget),
		{Group: rbacv1.GroupName, Kind: "RoleBinding"}:           show(bound, binding),
		{Group: rbacv1.GroupName, Kind: "ClusterRoleBinding"}:    show(bound, binding), // with the same fields
		{Group: coordinationv1.GroupName, Kind: "Lease"}:         show([]string{"Name", "Holder", "Age"}, lease),
		{Group: schedulingv1.GroupName, Kind: "PriorityClass"}:   show([]string{"Name", "Value integer", "Global-Default boolean", "Age", "PreemptionPolicy"}, priorityClass),
		{Group: storagev1.GroupName, Kind: "StorageClass"}:       show([]string{"Name", "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"}, storageClass),
		{Group: "events.k8s.io", Kind: "Event"}:                  events, // which are stored as those of v1
		{Group: "discovery.k8s.io", Kind: "EndpointSlice"}:       show([]string{"Name", "AddressType", "Ports", "Endpoints", "Age"}, endpointSlice),
		{Group: corev1.GroupName, Kind: "PodTemplate"}:           show([]string{"Name", "Containers", "Images", "Pod Labels"}, podTemplate),
	}
})
