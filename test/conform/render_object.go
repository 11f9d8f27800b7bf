package conform

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// quiet are the kinds whose content is shown only where a step asks for it: a
// server fills in much that no script is about.
var quiet = []string{
	"Deployment", "ReplicaSet", "Pod", "Service", "Namespace", "CustomResourceDefinition",
	"APIResourceList", "APIGroup", "APIGroupList", "APIVersions", "",
}

// headlined are the fields of metadata that stand in the first line, or nowhere.
var headlined = []string{
	"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
	"deletionTimestamp", "deletionGracePeriodSeconds", "managedFields",
}

// headline returns what every object has: kind, name, identity, and whether it is
// being deleted.
func (r *renderer) headline(object, metadata map[string]any, hasMetadata bool, show *showing) string {
	line := kindOf(object)
	if !hasMetadata {
		return line
	}
	name, _ := metadata["name"].(string)
	if namespace, _ := metadata["namespace"].(string); namespace != "" {
		name = namespace + "/" + name
	}
	line += " " + r.values.restore(name) + ":"
	uid, _ := metadata["uid"].(string)
	switch {
	case uid == "":
		line += " no uid"
	case strings.Contains(r.script, uid):
		line += " uid " + uid
	default:
		line += " " + r.numbers.uid(uid)
	}
	switch version, _ := metadata["resourceVersion"].(string); {
	case version == "":
		line += " no rv"
	case show.noVersion:
		line += " rv *"
	default:
		line += " " + r.numbers.version(uid, version)
	}
	if generation := metadata["generation"]; generation != nil {
		line += fmt.Sprintf(" generation %v", generation)
	}
	switch created, _ := metadata["creationTimestamp"].(string); {
	case created == "":
		line += " no creationTimestamp"
	case strings.Contains(r.script, created):
		line += " created " + created
	}
	if deleted, _ := metadata["deletionTimestamp"].(string); deleted != "" {
		line += " deleting"
		if strings.Contains(r.script, deleted) {
			line += " since " + deleted
		}
	}
	if grace := metadata["deletionGracePeriodSeconds"]; grace != nil {
		line += fmt.Sprintf(" grace %v", grace)
	}
	return line
}

// metadata returns the other fields of metadata, a line for each.
func (r *renderer) metadata(metadata map[string]any, show *showing) []string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if !slices.Contains(headlined, key) {
			lines = append(lines, indent+key+" "+r.json(metadata[key]))
		}
	}
	managed, _ := metadata["managedFields"].([]any)
	var managers []string
	for _, entry := range managed {
		fields, _ := entry.(map[string]any)
		line := fmt.Sprintf("manager %v %v %v", orNone(fields["manager"]), fields["operation"], fields["apiVersion"])
		if subresource := fields["subresource"]; subresource != nil {
			line += fmt.Sprintf(" /%v", subresource)
		}
		if show.owned {
			line += " " + r.json(fields["fieldsV1"])
		}
		managers = append(managers, indent+r.values.restore(line))
	}
	if !show.managers && !show.owned {
		return lines
	}
	if len(managers) == 0 {
		managers = []string{indent + "no managers"}
	}
	slices.Sort(managers)
	return append(lines, managers...)
}

// content returns what is not metadata: what the step asks for, or all of it.
func (r *renderer) content(object map[string]any, kind string, show *showing) []string {
	var lines []string
	if len(show.paths) > 0 {
		for _, path := range show.paths {
			if path == "none" {
				continue
			}
			lines = append(lines, indent+path+" "+r.shown(object, path))
		}
		return lines
	}
	if slices.Contains(quiet, kind) {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if key != "apiVersion" && key != "kind" && key != "metadata" {
			lines = append(lines, indent+key+" "+r.json(object[key]))
		}
	}
	return lines
}

// shown returns the value at a path; a path that ends with a question mark asks
// only whether there is one.
func (r *renderer) shown(object map[string]any, path string) string {
	path, present := strings.CutSuffix(path, "?")
	value, found := lookup(object, strings.Split(path, "."))
	switch {
	case !found:
		return "absent"
	case present:
		return "present"
	default:
		return r.json(value)
	}
}

// filter matches a part of a path that picks the items of a list by a field.
var filter = regexp.MustCompile(`^(\w+)\[(\w+)=([^\]]*)\]$`)

// lookup follows a path; a field of a list is the list of that field in its items.
// A segment like resources[name=configmaps] keeps only some items.
func lookup(value any, path []string) (any, bool) {
	if len(path) == 0 {
		return value, true
	}
	switch container := value.(type) {
	case map[string]any:
		name, key, wanted := path[0], "", ""
		if match := filter.FindStringSubmatch(name); match != nil {
			name, key, wanted = match[1], match[2], match[3]
		}
		field, ok := container[name]
		if !ok {
			return nil, false
		}
		if items, isList := field.([]any); isList && key != "" {
			field = slices.DeleteFunc(slices.Clone(items), func(item any) bool {
				fields, _ := item.(map[string]any)
				return fmt.Sprint(fields[key]) != wanted
			})
		}
		return lookup(field, path[1:])
	case []any:
		found := []any{}
		for _, item := range container {
			if part, ok := lookup(item, path); ok {
				found = append(found, part)
			}
		}
		return found, true
	default:
		return nil, false
	}
}
