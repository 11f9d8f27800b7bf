package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kuberator/kuberator/example/configmirror"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
)

// until calls check until it finds nothing wrong, or for too long.
func (s *stage) until(ctx context.Context, expected string, check func(context.Context) error) error {
	var wrong error
	err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		select {
		case <-s.place.lost:
			return false, s.place.err()
		default:
		}
		if found := check(ctx); found == nil || ctx.Err() == nil {
			wrong = found // what is found when time is up is only that
		}
		return wrong == nil, nil
	})
	switch {
	case err == nil:
		return nil
	case wrong != nil && wait.Interrupted(err):
		return fmt.Errorf("waited for %s, but %w", expected, wrong)
	default:
		return fmt.Errorf("waited for %s: %w", expected, err)
	}
}

// copies checks that these namespaces have a copy of that colour, and no others.
func (s *stage) copies(colour string, in ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		list, err := s.configMaps.List(ctx, metav1.NamespaceAll, metav1.ListOptions{LabelSelector: configmirror.LabelMirror})
		if err != nil {
			return err
		}
		found := map[string]bool{}
		for _, item := range list {
			found[item.Namespace] = true
			if item.Data["colour"] != colour {
				return fmt.Errorf("the copy in %s has the colour %q", item.Namespace, item.Data["colour"])
			}
		}
		if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, slices.Sorted(slices.Values(in))) {
			return fmt.Errorf("the namespaces with a copy are %q", got)
		}
		return nil
	}
}

// settled checks that the mirror was made ready with two writes, and stays so.
func (s *stage) settled(ctx context.Context) error {
	if err := s.copies("blue", web1, web2)(ctx); err != nil {
		return err
	}
	if err := s.ready(2)(ctx); err != nil {
		return err
	}
	pause(ctx, 300*time.Millisecond) // in which the events of its own copies must not make it write again
	if got := s.updates.Load(); got != 2 {
		return fmt.Errorf("it was written %d times", got)
	}
	return nil
}

func (s *stage) ready(copies int32) func(context.Context) error {
	return func(ctx context.Context) error {
		live, err := s.mirrors.Get(ctx, mirrorKey())
		if err != nil {
			return err
		}
		if reason(live) != v1alpha1.ReasonMirrored || live.Status.Copies != copies {
			return fmt.Errorf("its status is %s", describe(live))
		}
		return nil
	}
}

func (s *stage) conflict(ctx context.Context) error {
	live, err := s.mirrors.Get(ctx, mirrorKey())
	if err != nil {
		return err
	}
	if want := "ConfigMap " + theirs + "/" + name; reason(live) != v1alpha1.ReasonConflict || !slices.Equal(live.Status.Conflicts, []string{want}) {
		return fmt.Errorf("its status is %s, and the conflicts it names are %q", describe(live), live.Status.Conflicts)
	}
	return s.untouched(ctx)
}

// untouched checks the ConfigMap that the operator must leave alone.
func (s *stage) untouched(ctx context.Context) error {
	found, err := s.configMaps.Get(ctx, types.NamespacedName{Namespace: theirs, Name: name})
	if err != nil {
		return err
	}
	if found.Data["colour"] != "theirs" || len(found.Labels) > 0 {
		return fmt.Errorf("ConfigMap %s/%s is not as its owner made it: %v", theirs, name, found.Data)
	}
	return nil
}

// leads checks that a replica leads.
func (s *stage) leads(context.Context) error {
	_, err := s.deployment.leader()
	return err
}

// takenOver checks that there is a leader, which makes the copies what the source is now.
func (s *stage) takenOver(colour string) func(context.Context) error {
	return func(ctx context.Context) error {
		return errors.Join(s.leads(ctx), s.copies(colour, web1, later)(ctx))
	}
}
