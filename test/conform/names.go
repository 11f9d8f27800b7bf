package conform

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// group is the API group of the kinds in testdata/crds.yaml.
const group = "conform.kuberator.dev"

// placeholder matches what is replaced in a step. The words of a strategic merge
// patch begin with the same sign and stay.
var placeholder = regexp.MustCompile(`\$([A-Za-z][A-Za-z0-9]*)(?:\.(uid|rv|continue|object|token)\b)?`)

var directives = []string{"patch", "retainKeys", "setElementOrder", "deleteFromPrimitiveList"}

// repeat matches $repeat(1400Ki,x) and $repeat(5000,"example.com/f%").
var repeat = regexp.MustCompile(`\$repeat\((\d+)(Ki)?,([^)]*)\)`)

// resources are the placeholders for the path of a resource in the script's namespace.
var resources = map[string]string{
	"widgets":     "/apis/" + group + "/v1/namespaces/$ns/widgets",
	"plains":      "/apis/" + group + "/v1/namespaces/$ns/plains",
	"twins":       "/apis/two." + group + "/v1/namespaces/$ns/twins",
	"twinsv2":     "/apis/two." + group + "/v2/namespaces/$ns/twins",
	"globals":     "/apis/" + group + "/v1/globals",
	"configmaps":  "/api/v1/namespaces/$ns/configmaps",
	"secrets":     "/api/v1/namespaces/$ns/secrets",
	"services":    "/api/v1/namespaces/$ns/services",
	"leases":      "/apis/coordination.k8s.io/v1/namespaces/$ns/leases",
	"deployments": "/apis/apps/v1/namespaces/$ns/deployments",
	"namespaces":  "/api/v1/namespaces",
	"crds":        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
}

// kinds are the placeholders for the two fields that name a kind in a body.
var kinds = map[string]string{
	"Widget":     group + "/v1",
	"Plain":      group + "/v1",
	"Twin":       "two." + group + "/v1",
	"TwinV2":     "two." + group + "/v2",
	"Global":     group + "/v1",
	"ConfigMap":  "v1",
	"Secret":     "v1",
	"Service":    "v1",
	"Namespace":  "v1",
	"Lease":      "coordination.k8s.io/v1",
	"Deployment": "apps/v1",
	"CRD":        "apiextensions.k8s.io/v1",
}

// longKinds are the kinds whose placeholder is not their name.
var longKinds = map[string]string{"CRD": "CustomResourceDefinition", "TwinV2": "Twin"}

// names are the placeholders and watches that a script may use at some step.
type names struct {
	captured []string
	watches  []string
}

func newNames() *names { return &names{} }

// check refuses a step that uses a name which no step before it made, and notes
// those that it makes.
func (n *names) check(step *Step) error {
	text := step.parsed.target + "\n" + strings.Join(step.headers, "\n") + "\n" + strings.Join(step.body, "\n")
	for _, match := range placeholder.FindAllStringSubmatch(repeat.ReplaceAllString(text, "$3"), -1) {
		if !n.isKnown(match[1], match[2]) {
			return fmt.Errorf("%q is no placeholder, and no step above has as=%s", match[0], match[1])
		}
	}
	watch := step.parsed.watch
	switch {
	case step.parsed.verb == "WATCH" && slices.Contains(n.watches, watch):
		return fmt.Errorf("there is a watch %q already", watch)
	case step.parsed.verb == "WATCH":
		n.watches = append(n.watches, watch)
	case watch != "" && !slices.Contains(n.watches, watch):
		return fmt.Errorf("no step above opens a watch %q", watch)
	}
	if as := step.parsed.as; as != "" {
		if n.isKnown(as, "") {
			return fmt.Errorf("as=%s takes the name of a placeholder", as)
		}
		n.captured = append(n.captured, as)
	}
	return nil
}

func (n *names) isKnown(name, field string) bool {
	if field != "" {
		return slices.Contains(n.captured, name)
	}
	return name == "ns" || name == "id" || name == "group" || resources[name] != "" || kinds[name] != "" || slices.Contains(directives, name)
}

// expandRepeat writes out the repetitions of a body: a letter so many times, or a
// text as a list in which % is the number of the item.
func expandRepeat(text string) string {
	return repeat.ReplaceAllStringFunc(text, func(call string) string {
		match := repeat.FindStringSubmatch(call)
		count, _ := strconv.Atoi(match[1])
		if match[2] == "Ki" {
			count *= 1024
		}
		if len(match[3]) == 1 {
			return strings.Repeat(match[3], count)
		}
		items := make([]string, count)
		for i := range items {
			items[i] = strings.ReplaceAll(match[3], "%", strconv.Itoa(i))
		}
		return strings.Join(items, ",")
	})
}
