package controller

import (
	"time"

	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/kerr"
)

// outcome is an attempt in the making, and in the end what only the log needs to know of it. One is made for each
// attempt, of which few have anybody to tell: hence an [Attempt], which has more, is made of it on demand. The fields
// of the same names are those.
type outcome struct {
	Key           types.NamespacedName
	UID           types.UID
	Op            kerr.Op
	Reasons       []Reason
	MoreReasons   int
	Queued        time.Duration
	Parked        time.Duration
	Start         time.Time
	Duration      time.Duration
	Writes        int
	Action        Action
	Err           error
	Failures      int
	Next          time.Duration
	SelfTriggered bool
	Bypassed      bool

	cut      bool // a shutdown cancelled it
	level    zapcore.Level
	deleting time.Duration // how long the object has been in deletion, if that is blocked; else 0
	unsaid   int           // the same failures that were not logged since the last one that was
}

// attempt returns what observers are told.
func (t *reconciliation[T, C]) attempt() Attempt {
	at := &t.at
	a := Attempt{
		Controller: t.c.opts.Name, Kind: t.c.repo.Kind(), Key: at.Key, UID: at.UID,
		Op: at.Op, Reasons: at.Reasons, MoreReasons: at.MoreReasons,
		SelfTriggered: at.SelfTriggered, Bypassed: at.Bypassed, DeletionBlocked: at.deleting > 0,
		Queued: at.Queued, Parked: at.Parked, Start: at.Start, Duration: at.Duration,
		Writes: at.Writes, Action: at.Action, Err: at.Err, Failures: at.Failures, Next: at.Next,
	}
	if at.Writes > 0 {
		a.WritesBy = map[kerr.Op]int{}
		for _, w := range t.journal.Own()[:at.Writes] {
			a.WritesBy[kerr.Op(w.By)]++
		}
	}
	return a
}
