package conform

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// versionMark stands in an answer for a resource version until all are known.
var versionMark = regexp.MustCompile("\x00([^\x00|]*)\\|([^\x00]*)\x00")

// numbers give uids and resource versions names that are the same in every run.
//
// A uid gets the next number when it is first seen. The versions of an object are
// numbered from the oldest to the newest, once all have been seen: an event with
// rv2 is about the write that was answered with rv2.
type numbers struct {
	uids     map[string]string
	versions map[string][]uint64 // by uid
	newest   uint64
}

func newNumbers() *numbers {
	return &numbers{uids: map[string]string{}, versions: map[string][]uint64{}}
}

// uid returns the name of a uid.
func (n *numbers) uid(uid string) string {
	if n.uids[uid] == "" {
		n.uids[uid] = fmt.Sprintf("uid%d", len(n.uids)+1)
	}
	return n.uids[uid]
}

// version returns a mark for the version of an object, which resolve replaces.
func (n *numbers) version(uid, text string) string {
	version, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return fmt.Sprintf("rv %q", text)
	}
	n.newest = max(n.newest, version)
	if !slices.Contains(n.versions[uid], version) {
		n.versions[uid] = append(n.versions[uid], version)
	}
	return "\x00" + uid + "|" + text + "\x00"
}

// relation reports whether the version of a list covers every object seen before.
func (n *numbers) relation(text string) string {
	version, err := strconv.ParseUint(text, 10, 64)
	switch {
	case err != nil:
		return fmt.Sprintf("rv %q", text)
	case version >= n.newest:
		return "rv current"
	default:
		return "rv old"
	}
}

func (n *numbers) resolve(lines []string) []string {
	for _, versions := range n.versions {
		slices.Sort(versions)
	}
	var replace []string
	for uid, name := range n.uids {
		replace = append(replace, uid, name)
	}
	replacer := strings.NewReplacer(replace...)
	resolved := make([]string, len(lines))
	for i, line := range lines {
		line = versionMark.ReplaceAllStringFunc(line, func(mark string) string {
			match := versionMark.FindStringSubmatch(mark)
			version, _ := strconv.ParseUint(match[2], 10, 64)
			return fmt.Sprintf("rv%d", slices.Index(n.versions[match[1]], version)+1)
		})
		resolved[i] = replacer.Replace(line)
	}
	return resolved
}
