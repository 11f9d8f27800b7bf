package main

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

// narrator prints what happens, line by line, with the time since it began.
type narrator struct {
	mu  sync.Mutex
	out io.Writer
	err error // why the first line that was lost could not be written
	// unread is called if nobody reads any more.
	unread func()
	begin  time.Time
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
	copies    = "copies" // of anybody's doing: the operator's, or yours
	mirror    = "status"
)

// say prints one line.
func (n *narrator) say(who, format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.print("%6.2fs  %-8s  %s\n", time.Since(n.begin).Seconds(), who, fmt.Sprintf(format, args...))
}

func (n *narrator) print(format string, args ...any) {
	_, err := fmt.Fprintf(n.out, format, args...)
	if n.err == nil {
		n.err = err
	}
	if errors.Is(err, syscall.EPIPE) && n.unread != nil {
		n.unread()
	}
}

// lost returns an error if somebody does not see all that was said.
func (n *narrator) lost() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

// section prints text that stands apart.
func (n *narrator) section(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.print("\n%s\n", text)
}

func (n *narrator) elapsed() time.Duration { return time.Since(n.begin).Round(100 * time.Millisecond) }

// Write passes on what the control plane says while it starts.
func (n *narrator) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.out.Write(p)
}
