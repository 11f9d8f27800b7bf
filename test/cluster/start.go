package cluster

import "testing"

// Start starts a control plane for a test and stops it when the test ends, so
// there is nothing for the test to clean up. opts may be nil.
//
// It takes about four seconds, and minutes the first time on a machine, when the
// program must be built (see [Binary]). Tests that do not disturb one another can
// share a cluster: give each its own namespace.
//
// With the flag -short the test is skipped.
//
// The test fails at once if the control plane cannot be started. If a process ends
// later without being asked to, the test is marked as failed with what the process
// said last, and goes on, most likely into errors that this one explains.
func Start(t testing.TB, opts *Options) *Cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("cluster: a control plane is not started with -short")
	}
	c, err := New(t.Context(), opts)
	if err != nil {
		t.Fatalf("cluster: %v", err)
	}
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		select {
		case <-c.Done():
		case <-c.stopped:
		}
		if err := c.Err(); err != nil {
			t.Errorf("cluster: %v", err)
		}
	}()
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Errorf("cluster: stopping: %v", err)
		}
		<-reported
	})
	return c
}
