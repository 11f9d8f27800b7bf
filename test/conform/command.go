package conform

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// command is the first line of a step.
type command struct {
	verb   string
	target string // a path with its query, where one is sent
	watch  string // the name of a watch
	status int    // what AWAIT waits for

	count int    // EVENTS name count
	to    string // EVENTS name to=TYPE or to=TYPE/name: all events up to the first like that
	only  string // EVENTS name only=TYPE/name: only that one

	as     string
	noBody bool
	show   *showing
}

// contentTypes are the media types of what each verb sends.
var contentTypes = map[string]string{
	"POST":      "application/json",
	"PUT":       "application/json",
	"DELETE":    "application/json",
	"MERGE":     "application/merge-patch+json",
	"JSONPATCH": "application/json-patch+json",
	"STRATEGIC": "application/strategic-merge-patch+json",
	"APPLY":     "application/apply-patch+yaml",
	"PATCH":     "", // named by a header
	"GET":       "",
	"SETTLE":    "",
}

// method is the method of HTTP behind a verb.
func (c command) method() string {
	switch c.verb {
	case "MERGE", "JSONPATCH", "STRATEGIC", "APPLY":
		return "PATCH"
	case "WATCH", "AWAIT", "SETTLE":
		return "GET"
	default:
		return c.verb
	}
}

func (c command) sends() bool { return c.verb != "EVENTS" && c.verb != "CLOSE" }

// namesBookmarks reports whether an EVENTS step asks for a bookmark.
func (c command) namesBookmarks() bool { return c.to == bookmark || c.only == bookmark }

func (c command) needsBody() bool {
	return !c.noBody && c.sends() && !slices.Contains([]string{"GET", "DELETE"}, c.verb) && c.method() != "GET"
}

func parseCommand(line string) (command, error) {
	words := strings.Fields(line)
	c := command{verb: words[0], show: &showing{}}
	words = words[1:]
	var err error
	switch c.verb {
	case "WATCH":
		if len(words) < 2 {
			return c, fmt.Errorf("WATCH wants a name and a path: WATCH w $widgets, not %q", line)
		}
		c.watch, c.target, words = words[0], words[1], words[2:]
	case "AWAIT":
		if len(words) < 2 {
			return c, fmt.Errorf("AWAIT wants a status code and a path: AWAIT 200 $widgets, not %q", line)
		}
		if c.status, err = strconv.Atoi(words[0]); err != nil {
			return c, fmt.Errorf("AWAIT wants a status code, not %q", words[0])
		}
		c.target, words = words[1], words[2:]
	case "EVENTS", "CLOSE":
		if len(words) < 1 {
			return c, fmt.Errorf("%s wants the name of a watch", c.verb)
		}
		c.watch, words = words[0], words[1:]
		if c.verb == "EVENTS" {
			words, err = c.parseEvents(words)
		}
	default:
		if _, ok := contentTypes[c.verb]; !ok {
			return c, fmt.Errorf("%q is no step", c.verb)
		}
		if len(words) < 1 {
			return c, fmt.Errorf("%s wants a path", c.verb)
		}
		c.target, words = words[0], words[1:]
	}
	if err != nil {
		return c, err
	}
	return c, c.parseOptions(words)
}

// parseEvents reads which events a step wants, and returns the other words.
func (c *command) parseEvents(words []string) ([]string, error) {
	if len(words) == 0 {
		return nil, fmt.Errorf("EVENTS %s wants a number of events, to=TYPE, to=closed or only=TYPE/name", c.watch)
	}
	key, value, found := strings.Cut(words[0], "=")
	switch {
	case found && key == "to" && value != "":
		c.to = value
	case found && key == "only" && value != "":
		c.only = value
	default:
		count, err := strconv.Atoi(words[0])
		if err != nil || count < 1 {
			return nil, fmt.Errorf("EVENTS %s wants a number of events, to=TYPE, to=closed or only=TYPE/name, not %q", c.watch, words[0])
		}
		c.count = count
	}
	return words[1:], nil
}

func (c *command) parseOptions(words []string) error {
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch {
		case key == "as" && value != "":
			c.as = value
		case word == "body=none":
			c.noBody = true
		case key == "show" && value != "":
			for path := range strings.SplitSeq(value, ",") {
				c.show.paths = append(c.show.paths, strings.TrimPrefix(path, "."))
			}
		case word == "+message":
			c.show.message = true
		case word == "+managers":
			c.show.managers = true
		case word == "+owned":
			c.show.owned = true
		case word == "-rv":
			c.show.noVersion = true
		case word == "-listrv":
			c.show.noListVersion = true
		default:
			return fmt.Errorf("%q is no option of %s", word, c.verb)
		}
	}
	return nil
}
