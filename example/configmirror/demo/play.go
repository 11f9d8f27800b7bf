package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/test/cluster"
)

// The cast.
const (
	name   = "settings"
	label  = "demo.kuberator.dev/team"
	team   = "web"
	source = "demo-shop"
	web1   = "demo-web-1"
	web2   = "demo-web-2"
	later  = "demo-later"
	theirs = "demo-theirs"
)

const sceneYAML = `
{apiVersion: v1, kind: Namespace, metadata: {name: demo-shop}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: demo-web-1, labels: {demo.kuberator.dev/team: web}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: demo-web-2, labels: {demo.kuberator.dev/team: web}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: demo-later}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: demo-theirs}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: demo-shop}, data: {colour: blue}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: demo-theirs}, data: {colour: theirs}}
`

const mirrorYAML = `
apiVersion: mirror.kuberator.dev/v1alpha1
kind: ConfigMirror
metadata: {name: settings}
spec:
  source: {namespace: demo-shop, name: settings}
  namespaceSelector: {matchLabels: {demo.kuberator.dev/team: web}}
`

func mirrorKey() types.NamespacedName { return types.NamespacedName{Name: name} }

// step is something that a user does, and what the operator is expected to make of it.
type step struct {
	says   string
	do     func(context.Context) error
	expect string
	check  func(context.Context) error
}

// setScene creates what is there before the mirror.
func (s *stage) setScene(ctx context.Context) error {
	if err := cluster.ApplyYAML(ctx, s.place.admin, []byte(sceneYAML)); err != nil {
		return err
	}
	s.n.say(stageHand, "created namespaces and ConfigMap %s/%s", source, name)
	return nil
}

// play goes through the steps and checks each.
func (s *stage) play(ctx context.Context) error {
	s.n.section("What happens:")
	for _, step := range s.steps() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.n.say(you, "%s", step.says)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.says, err)
		}
		if err := s.until(ctx, step.expect, step.check); err != nil {
			return err
		}
		pause(ctx, s.n.pace)
	}
	return nil
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

// describe sums up a mirror's status.
func describe(m *v1alpha1.ConfigMirror) string {
	reason := "no status yet"
	if ready := meta.FindStatusCondition(m.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		reason = "Ready=" + string(ready.Status) + " (" + ready.Reason + ")"
	}
	return fmt.Sprintf("%s: %s, %d copies", m.Name, reason, m.Status.Copies)
}
