package tutorial_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// piece is a part of a page that the reader acts on: exactly one of file, commands, stop and shown is set.
type piece struct {
	where string // for messages

	file string // to write, with text
	decl string // of the file, to replace by text; if it is empty, the whole file
	text string

	commands []string // to run in a terminal; 1 is the one where commands end before the next one begins
	terminal int
	cluster  bool   // they need a real cluster
	output   string // that the page shows; if it is empty, it does not say

	stop int // the terminal in which Ctrl-C is pressed

	shown string // what a terminal shows by now
}

var (
	written  = regexp.MustCompile("(?:[Ww]rite|[Rr]eplace) `([^`]+)`[^`]*$")
	replaced = regexp.MustCompile("In `([^`]+)`, replace `(\\w+)` by:$")
	place    = regexp.MustCompile(`(?i)(?:in|open) terminal (\d)`)
	ctrlC    = regexp.MustCompile(`Ctrl-C in terminal (\d)`)
	ofScreen = regexp.MustCompile(`Terminal (\d)`)
)

// pages returns the pages of the tutorial, in order, as what there is to do.
func pages(t *testing.T) (all [][]*piece) {
	t.Helper()
	paths, err := filepath.Glob("../../docs/tutorial/[1-9]-*.md")
	require.NoError(t, err)
	require.Len(t, paths, 6)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		all = append(all, parse(t, filepath.Base(path), string(text)))
	}
	return all
}

// parse reads a page: its blocks, each with the paragraphs before it.
func parse(t *testing.T, name, page string) (pieces []*piece) {
	t.Helper()
	parts := strings.Split("\n"+page, "\n```")
	require.Equal(t, 1, len(parts)%2, "%s has a block that does not end", name)
	for i := 1; i < len(parts); i += 2 {
		before := strings.Join(strings.Fields(parts[i-1]), " ")
		kind, text, _ := strings.Cut(parts[i], "\n")
		where := name + ", after " + before
		for _, match := range ctrlC.FindAllStringSubmatch(before, -1) {
			pieces = append(pieces, &piece{where: where, stop: number(match)})
		}
		switch {
		case strings.HasPrefix(kind, "sh"):
			p := &piece{where: where, terminal: 1, cluster: kind != "sh"}
			p.commands = strings.Split(strings.ReplaceAll(text, "\\\n", " "), "\n")
			if named := place.FindAllStringSubmatch(before, -1); named != nil {
				p.terminal = number(named[len(named)-1])
			}
			pieces = append(pieces, p)
		case kind == "text" && before == "":
			pieces[len(pieces)-1].output = text
		case kind == "text":
			named := ofScreen.FindStringSubmatch(before)
			require.NotNil(t, named, where)
			pieces = append(pieces, &piece{where: where, terminal: number(named), shown: text})
		default:
			p := &piece{where: where, text: text + "\n"}
			if match := replaced.FindStringSubmatch(before); match != nil {
				p.file, p.decl = match[1], match[2]
			} else {
				match := written.FindStringSubmatch(before)
				require.NotNil(t, match, "%s: no file is named", where)
				p.file = match[1]
			}
			pieces = append(pieces, p)
		}
	}
	return pieces
}

// number returns what a pattern found as a terminal.
func number(match []string) int { return int(match[1][0] - '0') }
