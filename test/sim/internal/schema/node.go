package schema

import (
	"maps"
	"slices"
)

// A node is what a schema says about the structure of one value: all that pruning,
// defaulting and merging need. Limits on the value itself are not here but in the
// spec.Schema that goes with it.
type node struct {
	typ      string // empty for anything, and for an integer or a string
	format   string
	nullable bool
	def      any // nil for no default

	properties map[string]*node
	open       bool  // additionalProperties is there
	additional *node // its schema, nil if it is just true
	items      *node

	preserve    bool // x-kubernetes-preserve-unknown-fields
	embedded    bool // x-kubernetes-embedded-resource
	listType    string
	listMapKeys []string
	mapType     string

	// Whether this node or one below it is an embedded resource, or a set or map.
	// Where there is none, a validation need not look.
	hasEmbedded  bool
	hasListTypes bool
}

// summarise sets what a node knows of the nodes below it, which have to be complete.
func (n *node) summarise() {
	n.hasEmbedded = n.embedded
	n.hasListTypes = n.listType == "set" || n.listType == "map"
	below := slices.Collect(maps.Values(n.properties))
	for _, child := range append(below, n.additional, n.items) {
		if child != nil {
			n.hasEmbedded = n.hasEmbedded || child.hasEmbedded
			n.hasListTypes = n.hasListTypes || child.hasListTypes
		}
	}
}

// child returns the node for the field of an object. It is nil for a field that is
// allowed but of which nothing is known.
func (n *node) child(name string) (child *node, known bool) {
	if n == nil {
		return nil, false
	}
	if property, ok := n.properties[name]; ok {
		return property, true
	}
	return n.additional, n.open
}

// item returns the node for the items of a list, nil if nothing is known of them.
func (n *node) item() *node {
	if n == nil {
		return nil
	}
	return n.items
}

// isTypeOrObjectMeta reports whether name is one of the fields that all resources have.
func isTypeOrObjectMeta(name string) bool {
	return name == "apiVersion" || name == "kind" || name == "metadata"
}
