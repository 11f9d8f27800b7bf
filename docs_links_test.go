package kuberator_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	fence   = regexp.MustCompile("(?s)```.*?\n```")
	span    = regexp.MustCompile("`([^`\n]+)`")
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	anchor  = regexp.MustCompile(`<a id="([^"]+)">`)
	noSlug  = regexp.MustCompile(`[^\pL\pN _-]+`)
	linked  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// anchors returns what a link into a document may name after the #: its headings, as GitHub makes
// anchors of them, and those that it sets itself.
func anchors(text string) (names []string) {
	text = fence.ReplaceAllString(text, "")
	seen := map[string]int{}
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		title := linked.ReplaceAllString(match[1], "$1")
		name := strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, seen[name]-1)
		}
		names = append(names, name)
	}
	for _, match := range anchor.FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	return names
}

// TestAnchorsOfLinksExist follows links to sections: page.md#section, and #section of the same page.
func TestAnchorsOfLinksExist(t *testing.T) {
	link := regexp.MustCompile(`\]\(([\w./-]*)#([^)]+)\)`)
	found := 0
	for _, document := range append(documents(t), "CHANGELOG.md") {
		for _, match := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, document), ""), -1) {
			target := document
			if match[1] != "" {
				target = filepath.Join(filepath.Dir(document), match[1])
				if filepath.Ext(target) != ".md" { // a folder shows its README
					target = filepath.Join(target, "README.md")
				}
			}
			require.True(t, slices.Contains(anchors(read(t, target)), match[2]), "%s has a link to #%s of %s, which has no such section", document, match[2], target)
			found++
		}
	}
	require.Positive(t, found)
}

// TestCommentsNameDocumentsThatExist finds what comments, and texts of the program, say is in docs/.
func TestCommentsNameDocumentsThatExist(t *testing.T) {
	name := regexp.MustCompile(`\bdocs/[\w/-]+\.md(?:#([\w-]+))?`)
	code := filesOf(t, ".go")
	found := name.FindAllStringSubmatch(code, -1)
	require.NotEmpty(t, found)
	for _, match := range found {
		path, _, _ := strings.Cut(match[0], "#")
		text := read(t, path)
		require.True(t, match[1] == "" || slices.Contains(anchors(text), match[1]), "a comment names %s", match[0])
	}
}

// TestTheGlossaryIsInOrder, and has each word once.
func TestTheGlossaryIsInOrder(t *testing.T) {
	entry := regexp.MustCompile(`(?m)^(?:<a id="\w+"></a>)?\*\*([^*]+)\.\*\*`)
	var words []string
	for _, match := range entry.FindAllStringSubmatch(read(t, "docs/glossary.md"), -1) {
		words = append(words, strings.ToLower(match[1]))
	}
	require.Greater(t, len(words), 30)
	require.Equal(t, slices.Compact(slices.Sorted(slices.Values(words))), words)
}

// TestEveryHowToIsInItsIndex, and the text of none is longer than one and a half screens, beside the code.
func TestEveryHowToIsInItsIndex(t *testing.T) {
	pages, err := filepath.Glob("docs/howto/*.md")
	require.NoError(t, err)
	require.Greater(t, len(pages), 15)
	index, code := read(t, "docs/howto/README.md"), regexp.MustCompile("(?s)```.*?```")
	for _, page := range pages {
		if name := filepath.Base(page); name != "README.md" {
			require.Contains(t, index, "]("+name+")")
			require.Regexp(t, `^# (How|Wh)`, read(t, page), "the title of a page is its question")
			require.LessOrEqual(t, strings.Count(code.ReplaceAllString(read(t, page), ""), "\n"), 100, "%s is too long", page)
		}
	}
}
