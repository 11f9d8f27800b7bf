package tables

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func configMap(c *corev1.ConfigMap) []any {
	return []any{c.Name, int64(len(c.Data) + len(c.BinaryData)), age(c.CreationTimestamp)}
}

func secret(s *corev1.Secret) []any {
	return []any{s.Name, string(s.Type), int64(len(s.Data)), age(s.CreationTimestamp)}
}

func namespace(n *corev1.Namespace) []any {
	return []any{n.Name, string(n.Status.Phase), age(n.CreationTimestamp)}
}

func serviceAccount(a *corev1.ServiceAccount) []any { return []any{a.Name, age(a.CreationTimestamp)} }

func lease(l *coordinationv1.Lease) []any {
	return []any{l.Name, deref(l.Spec.HolderIdentity, ""), age(l.CreationTimestamp)}
}

func event(e *corev1.Event) []any {
	first, count := age(e.FirstTimestamp), e.Count
	if e.FirstTimestamp.IsZero() {
		first = age(metav1.Time(e.EventTime))
	}
	last := age(e.LastTimestamp)
	if e.LastTimestamp.IsZero() {
		last = first
	}
	switch {
	case e.Series != nil:
		last, count = age(metav1.Time(e.Series.LastObservedTime)), e.Series.Count
	case count == 0:
		count = 1
	}
	target := strings.ToLower(e.InvolvedObject.Kind)
	if e.InvolvedObject.Name != "" {
		target += "/" + e.InvolvedObject.Name
	}
	source := or(e.Source.Component, e.ReportingController)
	if host := or(e.Source.Host, e.ReportingInstance); host != "" {
		source += ", " + host
	}
	return []any{
		last, e.Type, e.Reason, target, e.InvolvedObject.FieldPath, source, strings.TrimSpace(e.Message), first, int64(count), e.Name,
	}
}

func node(n *corev1.Node) []any {
	status := "Unknown"
	for _, c := range n.Status.Conditions {
		switch {
		case c.Type != corev1.NodeReady:
		case c.Status == corev1.ConditionTrue:
			status = "Ready"
		default:
			status = "NotReady"
		}
	}
	if n.Spec.Unschedulable {
		status += ",SchedulingDisabled"
	}
	roles := map[string]bool{}
	for key, value := range n.Labels {
		if role, ok := strings.CutPrefix(key, "node-role.kubernetes.io/"); ok && role != "" {
			roles[role] = true
		} else if key == "kubernetes.io/role" && value != "" {
			roles[value] = true
		}
	}
	address := func(kind corev1.NodeAddressType) string {
		for _, a := range n.Status.Addresses {
			if a.Type == kind {
				return a.Address
			}
		}
		return none
	}
	info := n.Status.NodeInfo
	kernel := or(info.KernelVersion, unknown)
	if info.Architecture != "" {
		kernel += " (" + info.Architecture + ")"
	}
	return []any{
		n.Name, status, or(strings.Join(slices.Sorted(maps.Keys(roles)), ","), none), age(n.CreationTimestamp), info.KubeletVersion,
		address(corev1.NodeInternalIP), address(corev1.NodeExternalIP), or(info.OSImage, unknown), kernel, or(info.ContainerRuntimeVersion, unknown),
	}
}

// modes are the access modes of a volume, in short.
func modes(all []corev1.PersistentVolumeAccessMode) string {
	var out []string
	for _, m := range []struct {
		mode  corev1.PersistentVolumeAccessMode
		short string
	}{{corev1.ReadWriteOnce, "RWO"}, {corev1.ReadOnlyMany, "ROX"}, {corev1.ReadWriteMany, "RWX"}, {corev1.ReadWriteOncePod, "RWOP"}} {
		if slices.Contains(all, m.mode) {
			out = append(out, m.short)
		}
	}
	return strings.Join(out, ",")
}

const terminating = "Terminating"

func volume(v *corev1.PersistentVolume) []any {
	claimed, phase := "", string(v.Status.Phase)
	if ref := v.Spec.ClaimRef; ref != nil {
		claimed = ref.Namespace + "/" + ref.Name
	}
	if v.DeletionTimestamp != nil {
		phase = terminating
	}
	class, old := v.Annotations[corev1.BetaStorageClassAnnotation]
	if !old {
		class = v.Spec.StorageClassName
	}
	return []any{
		v.Name, new(v.Spec.Capacity[corev1.ResourceStorage]).String(), modes(v.Spec.AccessModes), string(v.Spec.PersistentVolumeReclaimPolicy), phase, claimed,
		class, orUnset(v.Spec.VolumeAttributesClassName), v.Status.Reason, age(v.CreationTimestamp), orUnset(v.Spec.VolumeMode),
	}
}

func claim(c *corev1.PersistentVolumeClaim) []any {
	phase, capacity, access := string(c.Status.Phase), "", ""
	if c.DeletionTimestamp != nil {
		phase = terminating
	}
	if c.Spec.VolumeName != "" {
		capacity, access = new(c.Status.Capacity[corev1.ResourceStorage]).String(), modes(c.Status.AccessModes)
	}
	class, old := c.Annotations[corev1.BetaStorageClassAnnotation]
	if !old {
		class = deref(c.Spec.StorageClassName, "")
	}
	return []any{
		c.Name, phase, c.Spec.VolumeName, capacity, access, class, orUnset(c.Spec.VolumeAttributesClassName), age(c.CreationTimestamp), orUnset(c.Spec.VolumeMode),
	}
}

func binding(b *rbacv1.RoleBinding) []any {
	of := map[string][]string{}
	for _, s := range b.Subjects {
		name := s.Name
		if s.Kind == rbacv1.ServiceAccountKind {
			name = s.Namespace + "/" + s.Name
		}
		of[s.Kind] = append(of[s.Kind], name)
	}
	list := func(kind string) string { return strings.Join(of[kind], ", ") }
	return []any{
		b.Name, fmt.Sprintf("%s/%s", b.RoleRef.Kind, b.RoleRef.Name), age(b.CreationTimestamp),
		list(rbacv1.UserKind), list(rbacv1.GroupKind), list(rbacv1.ServiceAccountKind),
	}
}

func priorityClass(c *schedulingv1.PriorityClass) []any {
	return []any{c.Name, int64(c.Value), c.GlobalDefault, age(c.CreationTimestamp), string(deref(c.PreemptionPolicy, ""))}
}

func storageClass(c *storagev1.StorageClass) []any {
	name := c.Name
	if c.Annotations["storageclass.kubernetes.io/is-default-class"] == "true" || c.Annotations["storageclass.beta.kubernetes.io/is-default-class"] == "true" {
		name += " (default)"
	}
	return []any{
		name, c.Provisioner, string(deref(c.ReclaimPolicy, corev1.PersistentVolumeReclaimDelete)),
		string(deref(c.VolumeBindingMode, storagev1.VolumeBindingImmediate)), deref(c.AllowVolumeExpansion, false), age(c.CreationTimestamp),
	}
}
