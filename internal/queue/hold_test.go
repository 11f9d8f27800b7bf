package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/internal/queue"
)

// held gets the key, which must be next, and holds it for a minute.
func held(t *testing.T, q queue.ByKey, light bool) {
	t.Helper()
	key, reasons, more, ok := q.Get()
	require.True(t, ok)
	q.Hold(key, reasons, more, time.Minute, light)
	q.Done(key)
}

func TestAHeldKeyKeepsItsReasonsAndComesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.Add("a", "first", queue.Background)
		held(t, q, false)
		q.Add("a", "second", queue.Change)
		q.Add("a", "third", queue.News)
		_, reasons, waited := next(t, q)
		require.Equal(t, time.Minute, waited, "events, and news, do not end the hold")
		require.Equal(t, []string{"first", "second", "third"}, reasons)
		q.Done("a")
	})
}

func TestWakeEndsAHold(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.Add("a", "first", queue.Change)
		held(t, q, false)
		q.Wake("b", "nothing to wake")
		q.Wake("a", "woken")
		_, reasons, waited := next(t, q)
		require.Zero(t, waited)
		require.Equal(t, []string{"first", "woken"}, reasons)
		q.Wake("a", "nothing to wake")
		q.Done("a")
		require.Zero(t, q.Len())
		time.Sleep(time.Hour)
		require.Zero(t, q.Len(), "the timer is stopped")
	})
}

func TestALightHoldEndsWithTheNextReason(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.Add("a", "first", queue.Change)
		held(t, q, true)
		q.Add("a", "second", queue.Change)
		_, reasons, waited := next(t, q)
		require.Zero(t, waited)
		require.Equal(t, []string{"first", "second"}, reasons)

		q.Add("a", "during the work", queue.Change)
		q.Hold("a", reasons, 0, time.Minute, true)
		q.Done("a")
		_, reasons, waited = next(t, q)
		require.Zero(t, waited, "also if it came before the hold")
		require.Equal(t, []string{"first", "second", "during the work"}, reasons)
		q.Done("a")
	})
}

func TestAHoldDoesNotShortenABackoff(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.Add("a", "first", queue.Change)
		next(t, q)
		q.After("a", time.Second, "timer")
		q.Hold("a", nil, 0, time.Minute, false)
		q.Done("a")
		_, reasons, waited := next(t, q)
		require.Equal(t, time.Minute, waited)
		require.Equal(t, []string{"timer"}, reasons, "nothing is lost")
		q.Hold("a", []string{"again"}, 0, time.Minute, false)
		q.ShutDown()
		q.Done("a")
	})
}

func TestReasonsOfAHoldAreCapped(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		q.Hold("a", []string{"1", "2", "3", "4", "5", "6", "7", "8"}, 2, time.Second, false)
		q.Add("a", "9", queue.Change)
		key, reasons, more, _ := q.Get()
		require.Equal(t, "a", key)
		require.Len(t, reasons, 8)
		require.Equal(t, 3, more)
		q.Done("a")
	})
}

// Kills: a key that is paused, and that comes before changes since nothing has happened to it but that all are to be looked at.
func TestG10WhatEndsAHoldDecidesTheLane(t *testing.T) {
	inBubble(t, func(t *testing.T, q queue.ByKey) {
		for weight, background := range map[queue.Weight]int{queue.Background: 1, queue.Change: 0} {
			q.Add("a", "first list", queue.Background)
			held(t, q, true)
			q.Add("a", "second", weight)
			require.Equal(t, 1, q.Len())
			require.Equal(t, background, q.Background())
			next(t, q)
			q.Done("a")
		}
		q.Add("a", "first list", queue.Background)
		held(t, q, true)
		time.Sleep(time.Hour)
		require.Equal(t, 1, q.Len())
		require.Zero(t, q.Background(), "it waited long enough")
	})
}
