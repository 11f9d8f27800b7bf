package schema

import (
	"slices"
	"strconv"
)

// Prune removes from obj, in place, the fields that the schema does not know. It
// returns their paths as the server's strict field validation names them, such as
// spec.foo in `unknown field "spec.foo"`.
//
// The apiVersion, kind and metadata of the object stay, whatever the schema says of
// them, and so do those of embedded resources. Unknown fields in a metadata go.
//
// It also removes each null of a field that is not nullable and has no default, as
// the server does at the same moment: to say null is to say nothing. Those are not
// among the returned paths.
func (s *Schema) Prune(obj map[string]any) (pruned []string) {
	pruned = s.DropUnknown(obj)
	dropNulls(obj, s.object)
	return pruned
}

// DropUnknown is Prune without the nulls: the server does not look for them in what server-side apply has merged.
func (s *Schema) DropUnknown(obj map[string]any) (pruned []string) {
	var meta pruner
	meta.push("metadata")
	meta.value(obj["metadata"], objectMeta, false)

	var rest pruner
	rest.value(obj, s.object, false)

	// In the order in which the server finds them.
	for _, paths := range [][]string{meta.unknown, rest.unknown, rest.inMetadata} {
		slices.Sort(paths)
		pruned = append(pruned, paths...)
	}
	return pruned
}

// A pruner walks over a value and takes out what is unknown.
type pruner struct {
	path       []byte
	unknown    []string
	inMetadata []string // what was unknown in the metadata of embedded resources
}

// value prunes x. With keep, fields that n does not know stay, but those that it
// does know are pruned still.
func (p *pruner) value(x any, n *node, keep bool) {
	keep = keep || n != nil && n.preserve
	if keep && n == nil {
		return
	}
	switch x := x.(type) {
	case map[string]any:
		p.object(x, n, keep)
	case []any:
		for i, item := range x {
			end := len(p.path)
			p.path = append(p.path, '[')
			p.path = strconv.AppendInt(p.path, int64(i), 10)
			p.path = append(p.path, ']')
			p.value(item, n.item(), keep)
			p.path = p.path[:end]
		}
	}
}

func (p *pruner) object(x map[string]any, n *node, keep bool) {
	for name, value := range x {
		if n != nil && n.embedded && isTypeOrObjectMeta(name) {
			if name == "metadata" && len(p.path) > 0 {
				p.embeddedMeta(value)
			}
			continue
		}
		child, known := n.child(name)
		end := len(p.path)
		p.push(name)
		switch {
		case known:
			p.value(value, child, false)
		case !keep:
			p.unknown = append(p.unknown, string(p.path))
			delete(x, name)
		}
		p.path = p.path[:end]
	}
}

// embeddedMeta prunes the metadata of an embedded resource. A creation time that is
// null, as encoders of Go types once wrote it, goes too.
func (p *pruner) embeddedMeta(metadata any) {
	meta := pruner{path: slices.Clone(p.path)}
	meta.push("metadata")
	meta.value(metadata, objectMeta, false)
	p.inMetadata = append(p.inMetadata, meta.unknown...)

	if m, ok := metadata.(map[string]any); ok {
		if created, ok := m["creationTimestamp"]; ok && created == nil {
			delete(m, "creationTimestamp")
		}
	}
}

func (p *pruner) push(name string) {
	if len(p.path) > 0 {
		p.path = append(p.path, '.')
	}
	p.path = append(p.path, name...)
}

// dropNulls removes the nulls of fields that are not nullable and have no default.
// Those in lists stay, for the validation to find: without them the indexes of the
// others would change.
func dropNulls(x any, n *node) {
	if n == nil {
		return
	}
	switch x := x.(type) {
	case map[string]any:
		for name, value := range x {
			if n.embedded && isTypeOrObjectMeta(name) {
				continue
			}
			child, _ := n.child(name)
			if value == nil && child != nil && !child.nullable && child.def == nil {
				delete(x, name)
				continue
			}
			dropNulls(value, child)
		}
	case []any:
		for _, item := range x {
			dropNulls(item, n.items)
		}
	}
}

// pruneDefaults prunes the defaults of the schema, as the server does before it
// serves the schema, so that a default is stored as an object would be.
func (n *node) pruneDefaults() {
	if n == nil {
		return
	}
	if n.def != nil {
		var p pruner
		p.push("default") // not the root: its metadata is that of an embedded resource
		p.value(n.def, n, false)
	}
	for _, property := range n.properties {
		property.pruneDefaults()
	}
	n.additional.pruneDefaults()
	n.items.pruneDefaults()
}
