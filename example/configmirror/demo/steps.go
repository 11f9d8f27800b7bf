package main

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/test/cluster"
)

// namespaces are those of the demo.
var namespaces = [...]string{source, web1, web2, later, theirs}

func (s *stage) steps() []step {
	return []step{
		{
			"create ConfigMirror " + name + ": copy " + source + "/" + name + " to every namespace with " + label + "=" + team,
			s.createMirror,
			"two copies, and exactly two writes to the mirror: the finalizer and the status", s.settled,
		},
		{
			"change the source: colour is green", s.paint("green"),
			"both copies to change too", s.copies("green", web1, web2),
		},
		{
			"delete the copy in " + web1, s.deleteCopy(web1),
			"the copy to be back", s.copies("green", web1, web2),
		},
		{
			"label namespace " + later, s.label(later, `"`+team+`"`),
			"a third copy", s.copies("green", web1, web2, later),
		},
		{
			"label namespace " + theirs + ", which has a ConfigMap " + name + " of its own", s.label(theirs, `"`+team+`"`),
			"the status to name the conflict, and the ConfigMap to stay as it is", s.conflict,
		},
		{
			"take the label off namespace " + theirs, s.label(theirs, "null"),
			"the conflict to be over", s.ready(3),
		},
		{
			"take the label off namespace " + web2, s.label(web2, "null"),
			"its copy to be gone", s.copies("green", web1, later),
		},
		{
			"end the leader with SIGTERM, and change the source: colour is red", s.replaceLeader(true, "red"),
			"another replica to take over at once", s.takenOver("red"),
		},
		{
			"kill the leader with SIGKILL, and change the source: colour is violet", s.replaceLeader(false, "violet"),
			"another replica to take over when the lease has run out, after " + leaseDuration.String(), s.takenOver("violet"),
		},
	}
}

func (s *stage) createMirror(ctx context.Context) error {
	return cluster.ApplyYAML(ctx, s.place.admin, []byte(mirrorYAML))
}

func (s *stage) paint(colour string) func(context.Context) error {
	return func(ctx context.Context) error {
		patch := fmt.Appendf(nil, `{"data":{"colour":%q}}`, colour)
		_, err := s.configMaps.Patch(ctx, configMap(source), types.MergePatchType, patch)
		return err
	}
}

// replaceLeader ends or kills the replica that leads, and changes what it would have seen.
func (s *stage) replaceLeader(inOrder bool, colour string) func(context.Context) error {
	return func(ctx context.Context) error {
		return errors.Join(s.deployment.replace(inOrder), s.paint(colour)(ctx))
	}
}

func (s *stage) deleteCopy(namespace string) func(context.Context) error {
	return func(ctx context.Context) error {
		return s.configMaps.Delete(ctx, configMap(namespace))
	}
}

func configMap(namespace string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

func namespaceOf(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

// label sets the label of the namespace to a JSON value.
func (s *stage) label(namespace, value string) func(context.Context) error {
	return func(ctx context.Context) error {
		patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%s}}}`, label, value)
		_, err := s.namespaces.Patch(ctx, namespaceOf(namespace), types.MergePatchType, patch)
		return err
	}
}

// finish deletes the mirror, checks that nothing is left, and sums up.
func (s *stage) finish(ctx context.Context) error {
	s.n.say(you, "delete ConfigMirror %s", name)
	if err := s.deleteMirror(ctx); err != nil {
		return err
	}
	if err := s.until(ctx, "no copy to be left", s.copies("")); err != nil {
		return err
	}
	if err := s.untouched(ctx); err != nil {
		return err
	}
	s.n.summary = fmt.Sprintf("ok: %d steps in %s: copies made with 2 writes to the mirror, kept equal, followed the labels; "+
		"a conflict named and left alone; two leaders replaced; everything removed", len(s.steps())+1, s.n.elapsed())
	return nil
}

// reason returns the reason of the condition Ready, or what is wrong with it.
func reason(m *v1alpha1.ConfigMirror) string {
	for _, condition := range m.Status.Conditions {
		if condition.Type == v1alpha1.ConditionReady {
			return condition.Reason
		}
	}
	return ""
}
