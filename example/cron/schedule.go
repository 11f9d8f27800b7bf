package cron

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/kuberator/kuberator/example/cron/api/v1alpha1"
)

// timetable are the times at which a task is due.
type timetable struct {
	schedule cron.Schedule
	zone     *time.Location
}

func timetableOf(task *v1alpha1.CronTask) (timetable, error) {
	if strings.Contains(task.Spec.Schedule, "TZ=") || strings.HasPrefix(task.Spec.Schedule, "@every") {
		return timetable{}, errors.New("spec.schedule: there is spec.timeZone for time zones, and @every has no times that can be computed again")
	}
	schedule, err := cron.ParseStandard(task.Spec.Schedule)
	if err != nil {
		return timetable{}, fmt.Errorf("spec.schedule: %w", err)
	}
	zone, err := time.LoadLocation(task.Spec.TimeZone) // UTC if it is empty
	if err != nil || task.Spec.TimeZone == "Local" {
		return timetable{}, fmt.Errorf("spec.timeZone: %q is not the name of a time zone", task.Spec.TimeZone)
	}
	return timetable{schedule, zone}, nil
}

// next returns the first time after t; zero if there is none in the next five years.
func (t timetable) next(after time.Time) time.Time { return t.schedule.Next(after.In(t.zone)) }

// last returns the last time that is after one time and not after another, or zero. It looks back in steps
// that double, and not through all that was missed.
func (t timetable) last(after, now time.Time) (due time.Time) {
	for back := time.Hour; due.IsZero(); back *= 2 {
		from := now.Add(-back)
		if from.Before(after) {
			from = after
		}
		for at := t.next(from); !at.IsZero() && !at.After(now); at = t.next(at) {
			due = at
		}
		if from.Equal(after) {
			break
		}
	}
	return due
}
