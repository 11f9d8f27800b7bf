package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// narrator prints what happens, line by line, with the time since it began.
type narrator struct {
	mu    sync.Mutex
	out   io.Writer
	begin time.Time
	// pace is how long a reader has for each step.
	pace time.Duration
	// summary is the last line, if all went well.
	summary string
}

func newNarrator(out io.Writer) *narrator { return &narrator{out: out, begin: time.Now()} }

// Whose doing a line is about.
const (
	stageHand = "setup"
	you       = "you"
	operator  = "operator"
	mirror    = "status"
)

// rest lets the reader keep up.
func (n *narrator) rest(ctx context.Context) { pause(ctx, n.pace) }

// say prints one line.
func (n *narrator) say(who, format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(n.out, "%6.2fs  %-8s  %s\n", time.Since(n.begin).Seconds(), who, fmt.Sprintf(format, args...))
}

// section prints text that stands apart.
func (n *narrator) section(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(n.out, "\n%s\n", text)
}

func (n *narrator) elapsed() time.Duration { return time.Since(n.begin).Round(100 * time.Millisecond) }

// Write passes on what the control plane says while it starts.
func (n *narrator) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.out.Write(p)
}
