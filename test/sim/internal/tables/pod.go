package tables

import (
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func pod(p *corev1.Pod) []any {
	s := &summary{pod: p, reason: or(p.Status.Reason, string(p.Status.Phase))}
	if slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Reason == corev1.PodReasonSchedulingGated
	}) {
		s.reason = corev1.PodReasonSchedulingGated
	}
	if initialised := s.initContainers(); initialised || has(p, corev1.PodInitialized) {
		s.containers()
	}
	switch {
	case p.DeletionTimestamp == nil:
	case p.Status.Reason == "NodeLost":
		s.reason = "Unknown"
	case p.Status.Phase != corev1.PodFailed && p.Status.Phase != corev1.PodSucceeded:
		s.reason = "Terminating"
	}
	total := len(p.Spec.Containers)
	for _, c := range p.Spec.InitContainers {
		if restartable(&c) {
			total++
		}
	}
	restarts := strconv.Itoa(s.restarts.count)
	if s.restarts.count != 0 && !s.restarts.last.IsZero() {
		restarts = fmt.Sprintf("%d (%s ago)", s.restarts.count, age(s.restarts.last))
	}
	ip := ""
	if len(p.Status.PodIPs) > 0 {
		ip = p.Status.PodIPs[0].IP
	}
	return []any{
		p.Name, fmt.Sprintf("%d/%d", s.ready, total), s.reason, restarts, age(p.CreationTimestamp),
		or(ip, none), or(p.Spec.NodeName, none), or(p.Status.NominatedNodeName, none), gates(p),
	}
}

// summary is what the containers of a Pod say together.
type summary struct {
	pod      *corev1.Pod
	reason   string
	ready    int
	restarts restarts
}

// restarts are how often containers were started again, and when the last one had ended.
type restarts struct {
	count int
	last  metav1.Time
}

func (r *restarts) add(c *corev1.ContainerStatus) {
	r.count += int(c.RestartCount)
	if ended := c.LastTerminationState.Terminated; ended != nil && r.last.Before(&ended.FinishedAt) {
		r.last = ended.FinishedAt
	}
}

// initContainers looks at the containers that run before the others, and reports whether all
// have. If not, what they say is what counts.
func (s *summary) initContainers() (initialised bool) {
	specs := map[string]*corev1.Container{}
	for i, c := range s.pod.Spec.InitContainers {
		specs[c.Name] = &s.pod.Spec.InitContainers[i]
	}
	var all, sidecars restarts
	defer func() {
		s.restarts = all
		if initialised || has(s.pod, corev1.PodInitialized) {
			s.restarts = sidecars
		}
	}()
	for i := range s.pod.Status.InitContainerStatuses {
		c := &s.pod.Status.InitContainerStatuses[i]
		all.add(c)
		sidecar := restartable(specs[c.Name])
		if sidecar {
			sidecars.add(c)
		}
		ended, waiting := c.State.Terminated, c.State.Waiting
		switch {
		case ended != nil && ended.ExitCode == 0:
			continue
		case sidecar && c.Started != nil && *c.Started:
			if c.Ready {
				s.ready++
			}
			continue
		case ended != nil:
			s.reason = "Init:" + why(ended)
		case waiting != nil && waiting.Reason != "" && waiting.Reason != "PodInitializing":
			s.reason = "Init:" + waiting.Reason
		default:
			s.reason = fmt.Sprintf("Init:%d/%d", i, len(s.pod.Spec.InitContainers))
		}
		return false
	}
	return true
}

// containers looks at the containers that do the work: the first one that has something to say
// is what counts.
func (s *summary) containers() {
	running, failure := false, ""
	for i := range slices.Backward(s.pod.Status.ContainerStatuses) {
		c := &s.pod.Status.ContainerStatuses[i]
		s.restarts.add(c)
		switch ended := c.State.Terminated; {
		case c.State.Waiting != nil && c.State.Waiting.Reason != "":
			s.reason = c.State.Waiting.Reason
		case ended != nil:
			s.reason = why(ended)
			if ended.ExitCode != 0 {
				failure = s.reason
			}
		case c.Ready && c.State.Running != nil:
			running = true
			s.ready++
		}
	}
	switch {
	case s.reason != "Completed":
	case running && has(s.pod, corev1.PodReady):
		s.reason = "Running"
	case failure != "":
		s.reason = failure
	case running:
		s.reason = "NotReady"
	}
}

// why a container has ended.
func why(ended *corev1.ContainerStateTerminated) string {
	switch {
	case ended.Reason != "":
		return ended.Reason
	case ended.Signal != 0:
		return fmt.Sprintf("Signal:%d", ended.Signal)
	}
	return fmt.Sprintf("ExitCode:%d", ended.ExitCode)
}

// restartable reports whether an init container goes on to run beside the others.
func restartable(c *corev1.Container) bool {
	return c != nil && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

func has(p *corev1.Pod, condition corev1.PodConditionType) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == condition && c.Status == corev1.ConditionTrue
	})
}

// gates are how many of the readiness gates of a Pod are open.
func gates(p *corev1.Pod) string {
	if len(p.Spec.ReadinessGates) == 0 {
		return none
	}
	open := 0
	for _, gate := range p.Spec.ReadinessGates {
		if has(p, gate.ConditionType) {
			open++
		}
	}
	return fmt.Sprintf("%d/%d", open, len(p.Spec.ReadinessGates))
}

// podState marks Pods that have ended.
func podState(object map[string]any) []metav1.TableRowCondition {
	status, _ := object["status"].(map[string]any)
	message := map[any]string{"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}[status["phase"]]
	if message == "" {
		return nil
	}
	reason, _ := status["phase"].(string)
	return []metav1.TableRowCondition{{Type: metav1.RowCompleted, Status: metav1.ConditionTrue, Reason: reason, Message: message}}
}
