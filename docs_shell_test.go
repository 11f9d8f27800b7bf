package kuberator_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// commands returns what a document has people type: blocks of a shell, and code within a line.
func commands(text string) (lines []string) {
	block := regexp.MustCompile("(?s)```(sh|console|shell|bash)?\n(.*?)```")
	for _, match := range block.FindAllStringSubmatch(text, -1) {
		lines = append(lines, strings.Split(match[2], "\n")...)
	}
	for _, match := range span.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		lines = append(lines, match[1])
	}
	return lines
}

// TestCommandsInDocumentsNameWhatExists looks at targets of make, at paths and tests that are given
// to the go command, at folders of manifests, and at flags.
func TestCommandsInDocumentsNameWhatExists(t *testing.T) {
	target := regexp.MustCompile(`(?:^|\$ |&& )make ([a-z][a-z-]*)`)
	goCommand := regexp.MustCompile(`(?:^|[ ;&])go (?:-C \S+ )?(?:test|run|build|vet|doc)\b`)
	of := regexp.MustCompile(`\bgo -C (\S+)`)
	path := regexp.MustCompile(`(?:^| )\./([\w/.-]*)`)
	test := regexp.MustCompile(`-run '?\^?((?:Test|Fuzz|Benchmark)\w+)`)
	flag := regexp.MustCompile(`^--?([a-z][a-z.-]*)(=|$)`)
	folder := regexp.MustCompile(`kubectl .*-k config/(\w+)`)
	makefile, code := read(t, "Makefile"), filesOf(t, ".go")
	exists := func(document string, elements ...string) {
		_, err := os.Stat(filepath.Join(elements...))
		require.NoError(t, err, document)
	}
	seen := 0
	for _, document := range documents(t) {
		for _, line := range commands(read(t, document)) {
			for _, match := range target.FindAllStringSubmatch(line, -1) {
				require.Contains(t, makefile, "\n"+match[1]+":", "%s says: %s", document, line)
				seen++
			}
			for _, match := range test.FindAllStringSubmatch(line, -1) {
				require.True(t, strings.Contains(code, "func "+match[1]), "%s says: %s", document, line) //nolint:testifylint // Contains would print all code
			}
			if match := folder.FindStringSubmatch(line); match != nil {
				exists(document, "operator/manifests", match[1])
			}
			if match := flag.FindStringSubmatch(line); match != nil && !strings.HasPrefix(document, "test/") { // there they are kubectl's too
				known := strings.Contains(code, `"`+match[1]+`"`) || strings.Contains(makefile, " -"+match[1]) || match[1] == "help"
				require.True(t, known, "%s names the flag %s, which is nowhere", document, line)
			}
			if !goCommand.MatchString(line) {
				continue
			}
			base := "."
			if match := of.FindStringSubmatch(line); match != nil {
				base = match[1]
				exists(document, base)
			}
			for _, match := range path.FindAllStringSubmatch(line, -1) { // from the root of the module, or from the document's folder
				name := strings.TrimSuffix(match[1], "...")
				if _, err := os.Stat(filepath.Join(filepath.Dir(document), name)); err != nil {
					exists(document, base, name)
				}
				seen++
			}
		}
	}
	require.Positive(t, seen)
}
