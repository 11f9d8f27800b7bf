package explore

import (
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

var (
	bubblePattern  = regexp.MustCompile(`^goroutine \d+ \[(.*), synctest bubble (\d+)(?: labels:.*)?\]`) // see labelled
	creatorPattern = regexp.MustCompile(`(?m)^created by (\S+)`)
)

// waiting is a goroutine in a bubble.
type waiting struct {
	why   string // such as "chan receive (durable)"
	stack string
}

// thisBubble returns the number of the bubble that it is called in.
func thisBubble() string {
	text := make([]byte, 1<<10)
	if match := bubblePattern.FindStringSubmatch(string(text[:runtime.Stack(text, false)])); match != nil {
		return match[2]
	}
	return ""
}

// inBubble returns the goroutines of a bubble.
func inBubble(number string) (all []waiting) {
	text := make([]byte, 8<<20)
	text = text[:runtime.Stack(text, true)]
	for stack := range strings.SplitSeq(string(text), "\n\n") {
		if match := bubblePattern.FindStringSubmatch(stack); match != nil && match[2] == number {
			all = append(all, waiting{match[1], stack})
		}
	}
	return all
}

// filters makes the goroutine of a metadata client's watch. It waits for ever to hand on the last event, if
// the watch is ended at that moment, and the operator can do nothing about it.
const filters = "k8s.io/apimachinery/pkg/watch.Filter"

// leftBehind says which goroutines the operator has left in a bubble, by who has made them. It is empty if
// there are none but such as client-go always leaves.
func leftBehind(bubble string) string {
	var creators []string
	goroutines := inBubble(bubble)
	if len(goroutines) == 0 {
		return "nobody knows"
	}
	for _, g := range goroutines {
		if match := creatorPattern.FindStringSubmatch(g.stack); match != nil && match[1] != filters && match[1] != "testing/synctest.Test" {
			creators = append(creators, match[1])
		}
	}
	slices.Sort(creators)
	return strings.Join(slices.Compact(creators), ", ")
}

// standstill says why a run takes so long: goroutines that wait for something in which virtual time does
// not pass.
func standstill(bubble string) string {
	text := "explore: this run has taken a minute of real time. Time in it is virtual, and stands still while a goroutine " +
		"waits for a lock, a file or a socket, as when another one sends a request and holds that lock. "
	var stacks []string
	for _, g := range inBubble(bubble) {
		if !strings.Contains(g.why, "(durable)") && g.why != "running" && g.why != "runnable" {
			stacks = append(stacks, g.stack)
		}
	}
	if len(stacks) == 0 {
		return text + "None waits for one now: perhaps it is only slow.\n"
	}
	return text + "These wait:\n\n" + strings.Join(stacks, "\n\n") + "\n"
}

// quietEnd is the body of a watch that ends without an error if the client has ended it. An error would be
// one more event, at which [filters] waits for ever.
type quietEnd struct {
	io.ReadCloser

	over func() bool
}

func (b quietEnd) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && b.over() {
		err = io.EOF
	}
	return n, err
}
