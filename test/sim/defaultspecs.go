package sim

// specDefaults returns what gives the spec of an object the fields that it does not have.
func specDefaults(values func() map[string]any, more ...func(object map[string]any)) func(object map[string]any) {
	return func(object map[string]any) {
		spec := child(object, "spec")
		if spec == nil {
			return
		}
		preset(spec, values())
		for _, f := range more {
			f(object)
		}
	}
}

var (
	defaultStatefulSet = specDefaults(func() map[string]any {
		return map[string]any{
			"podManagementPolicy": "OrderedReady", "revisionHistoryLimit": int64(10),
			"updateStrategy":                       map[string]any{"type": "RollingUpdate"},
			"persistentVolumeClaimRetentionPolicy": map[string]any{"whenDeleted": "Retain", "whenScaled": "Retain"},
		}
	}, defaultReplicas, func(object map[string]any) {
		defaultRollingUpdate(child(object, "spec"), map[string]any{"partition": int64(0)})
	})
	defaultDaemonSet = specDefaults(func() map[string]any {
		return map[string]any{"revisionHistoryLimit": int64(10), "updateStrategy": map[string]any{"type": "RollingUpdate"}}
	}, defaultTemplate, func(object map[string]any) {
		defaultRollingUpdate(child(object, "spec"), map[string]any{"maxSurge": int64(0), "maxUnavailable": int64(1)})
	})
	defaultCronJob = specDefaults(func() map[string]any {
		return map[string]any{
			"concurrencyPolicy": "Allow", "suspend": false, "successfulJobsHistoryLimit": int64(3), "failedJobsHistoryLimit": int64(1),
		}
	}, func(object map[string]any) {
		defaultTemplate(child(child(object, "spec"), "jobTemplate"))
	})
	defaultClaim = specDefaults(func() map[string]any { return map[string]any{"volumeMode": "Filesystem"} })

	defaultAutoscaler = specDefaults(func() map[string]any { return map[string]any{"minReplicas": int64(1)} })
)

// defaultRollingUpdate says how many Pods change at a time, if they change one after the other.
func defaultRollingUpdate(spec, values map[string]any) {
	strategy := child(spec, "updateStrategy")
	preset(strategy, map[string]any{"type": "RollingUpdate"})
	if strategy["type"] == "RollingUpdate" {
		preset(strategy, map[string]any{"rollingUpdate": map[string]any{}})
		preset(child(strategy, "rollingUpdate"), values)
	}
}
