package main

import (
	"cmp"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/kuberator/kuberator/example/cron/api/v1alpha1"
)

// scheduleOf returns the times of a task. "@every 1h", which the CRD refuses, has none that can be computed again.
func scheduleOf(task *v1alpha1.CronTask) (cron.Schedule, error) {
	return cron.ParseStandard("CRON_TZ=" + cmp.Or(task.Spec.TimeZone, "UTC") + " " + task.Spec.Schedule)
}

// since returns the time after which a run can be due: what was started before is not, nor what is too late.
func since(task *v1alpha1.CronTask, now time.Time) time.Time {
	after := later(task.CreationTimestamp.Time, task.Status.LastScheduleTime.Time)
	if s := task.Spec.StartingDeadlineSeconds; s != nil {
		after = later(after, now.Add(-time.Duration(*s)*time.Second))
	}
	return after
}

// last returns the last time that is after one time and not after another, or zero. It looks back in steps
// that double, and not through all that was missed.
func last(schedule cron.Schedule, after, now time.Time) (due time.Time) {
	from := now
	for back := time.Hour; due.IsZero() && from.After(after); back *= 2 {
		from = later(after, now.Add(-back)).UTC()
		for at := schedule.Next(from); !at.IsZero() && !at.After(now); at = schedule.Next(at) {
			due = at
		}
	}
	return due
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
