package explore

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// trace is what happened in a run, by whom and when.
type trace struct {
	mu      sync.Mutex
	began   time.Time
	entries []entry
}

type entry struct {
	at        time.Duration
	who, what string
	result    string
	planned   bool   // a fault of the plan happens here
	alarm     bool   // the operator logs an error
	passing   string // that error, if a correct operator may get it for a moment
	settled   bool   // the operator has come to rest
}

func newTrace() *trace { return &trace{began: time.Now()} }

func (t *trace) add(e entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.at = time.Since(t.began)
	t.entries = append(t.entries, e)
}

func (t *trace) say(who, what string, args ...any) {
	t.add(entry{who: who, what: fmt.Sprintf(what, args...)})
}

// all returns the entries so far.
func (t *trace) all() []entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.entries)
}

// longest is how much of a cell is shown.
const longest = 110

// table is entries for people.
func table(entries []entry) string {
	rows := [][]string{{"after", "who", "what", "result"}}
	for _, e := range entries {
		rows = append(rows, []string{e.at.Round(time.Millisecond).String(), e.who, clip(e.what), clip(e.result)})
	}
	return align(rows)
}

func clip(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= longest {
		return text
	}
	return string([]rune(text)[:longest-1]) + "…"
}

func align(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			row[i] = cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		}
		b.WriteString(strings.TrimRight("  "+strings.Join(row, "  "), " ") + "\n")
	}
	return b.String()
}
