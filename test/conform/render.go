package conform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	indent = "  "
	// longest is how much of a value an answer shows.
	longest = 500
)

// showing is what a step wants to see of an answer.
type showing struct {
	paths         []string // in place of what is shown by default
	message       bool
	managers      bool
	owned         bool
	noVersion     bool
	noListVersion bool
}

// renderer turns answers into lines that are the same in every run.
type renderer struct {
	values  *values
	numbers *numbers
	script  string // a time that stands in the script is shown as it is
	whole   bool   // long values are not cut
}

func newRenderer(v *values, script string) *renderer {
	v.generated = generatedNames(script)
	return &renderer{values: v, numbers: newNumbers(), script: script}
}

// answer returns the lines of an answer and the object it held.
func (r *renderer) answer(got *answer, show *showing) ([]string, map[string]any) {
	value, err := decode(got.body)
	object, _ := value.(map[string]any)
	var lines []string
	switch {
	case len(got.body) == 0:
		lines = []string{"(empty)"}
	case err != nil || object == nil:
		lines = []string{"text " + r.json(strings.TrimSpace(string(got.body)))}
	default:
		lines = r.object(object, show)
	}
	lines[0] = fmt.Sprintf("%d %s", got.status, lines[0])
	if !strings.HasPrefix(got.media, "application/json") && len(got.body) > 0 {
		lines = append(lines, indent+"media "+got.media)
	}
	for i, warning := range got.warnings {
		if show.message {
			lines = append(lines, indent+"warning "+r.values.restore(warning))
		} else if i == 0 {
			lines = append(lines, fmt.Sprintf("%swarnings %d", indent, len(got.warnings)))
		}
	}
	return lines, object
}

// event returns the lines of an event.
func (r *renderer) event(e event, show *showing) []string {
	lines := r.object(e.Object, show)
	if e.Type == "ERROR" {
		lines[0] = fmt.Sprintf("%v %s", e.Object["code"], lines[0])
	}
	lines[0] = e.Type + " " + lines[0]
	return lines
}

func (r *renderer) object(object map[string]any, show *showing) []string {
	kind, _ := object["kind"].(string)
	items, isList := object["items"].([]any)
	metadata, hasMetadata := object["metadata"].(map[string]any)
	switch {
	case kind == "Status" && object["apiVersion"] == "v1":
		return r.status(object, show)
	case isList:
		return r.list(object, items, show)
	case hasMetadata && metadata["name"] == nil && metadata["resourceVersion"] != nil:
		return r.bookmark(object, metadata, show)
	default:
		lines := []string{r.headline(object, metadata, hasMetadata, show)}
		lines = append(lines, r.metadata(metadata, show)...)
		return append(lines, r.content(object, kind, show)...)
	}
}

func (r *renderer) bookmark(object, metadata map[string]any, show *showing) []string {
	line := kindOf(object) + ": " + r.listVersion(metadata, show)
	if annotations := metadata["annotations"]; annotations != nil {
		line += " annotations " + r.json(annotations)
	}
	return []string{line}
}

func (r *renderer) list(object map[string]any, items []any, show *showing) []string {
	metadata, _ := object["metadata"].(map[string]any)
	line := kindOf(object) + ": " + r.listVersion(metadata, show)
	if remaining := metadata["remainingItemCount"]; remaining != nil {
		line += fmt.Sprintf(" remaining %v", remaining)
	}
	if token, _ := metadata["continue"].(string); token != "" {
		line += " continue"
	}
	lines := []string{line}
	for _, item := range items {
		fields, _ := item.(map[string]any)
		for _, itemLine := range r.item(fields, kindOf(object), show) {
			lines = append(lines, indent+itemLine)
		}
	}
	return lines
}

// item returns the lines of an item, whose kind may be told by that of the list only.
func (r *renderer) item(item map[string]any, list string, show *showing) []string {
	metadata, _ := item["metadata"].(map[string]any)
	lines := []string{r.headline(item, metadata, true, show)}
	lines = append(lines, r.metadata(metadata, show)...)
	return append(lines, r.content(item, strings.TrimSuffix(list, "List"), show)...)
}

func (r *renderer) listVersion(metadata map[string]any, show *showing) string {
	if show.noVersion || show.noListVersion {
		return "rv *"
	}
	version, _ := metadata["resourceVersion"].(string)
	return r.numbers.relation(version)
}

// status returns the lines of a Status, which is most often a refusal.
func (r *renderer) status(object map[string]any, show *showing) []string {
	reason, _ := object["reason"].(string)
	if reason == "" {
		reason = fmt.Sprintf("Status %v", object["status"])
	}
	lines := []string{reason}
	details, _ := object["details"].(map[string]any)
	causes, _ := details["causes"].([]any)
	rest := map[string]any{}
	for key, value := range details {
		if key == "uid" {
			value = r.numbers.uid(fmt.Sprint(value))
		}
		if key != "causes" {
			rest[key] = value
		}
	}
	if len(rest) > 0 {
		lines = append(lines, indent+"details "+r.json(rest))
	}
	var found []string
	for _, cause := range causes {
		fields, _ := cause.(map[string]any)
		line := strings.TrimSpace(fmt.Sprintf("%scause %v %v", indent, orNone(fields["reason"]), orNone(fields["field"])))
		if show.message {
			line += " " + r.json(fields["message"])
		}
		found = append(found, indent+line)
	}
	slices.Sort(found)
	lines = append(lines, slices.Compact(found)...) // the real server names some twice
	if show.message {
		lines = append(lines, indent+"message "+r.json(object["message"]))
	}
	return lines
}

// instant matches a time, which differs from run to run.
var instant = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)

// json returns a value on one line, with the keys sorted and long texts cut.
func (r *renderer) json(value any) string {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprintf("%q", err)
	}
	text := strings.TrimSpace(r.values.restore(buffer.String()))
	text = instant.ReplaceAllStringFunc(text, func(found string) string {
		if strings.Contains(r.script, found) {
			return found
		}
		return "TIME"
	})
	if len(text) > longest && !r.whole {
		return fmt.Sprintf("%s… %d bytes", text[:longest/5], len(text))
	}
	return text
}

func orNone(value any) any {
	if value == nil || value == "" {
		return "(none)"
	}
	return value
}

func kindOf(object map[string]any) string {
	if kind, _ := object["kind"].(string); kind != "" {
		return kind
	}
	return "(no kind)"
}
