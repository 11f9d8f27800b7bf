package explore

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
)

// state is what is in the cluster and in external systems, in a form that can be compared
// between runs: fields by the names of their objects.
type state map[string]fields

// fields are an object's values by their paths.
type fields struct {
	resource string
	values   map[string]string
}

// leaf is a field of some object.
type leaf struct{ resource, object, path string }

// ref names an object.
type ref struct {
	resource schema.GroupResource
	key      types.NamespacedName
}

func (r ref) String() string {
	return r.resource.String() + " " + strings.TrimPrefix(r.key.String(), "/")
}

// notCompared are kinds that other programs write, or the machinery around an operator.
var notCompared = sets.New("namespaces", "customresourcedefinitions.apiextensions.k8s.io", "leases.coordination.k8s.io",
	"events", "events.events.k8s.io")

// names replaces what the server has made up, uids and generated names, by what is the same in each run.
// It may be used concurrently.
type names struct{ made *strings.Replacer }

// identities are the uids and the generated names of all objects that there were, and what is the same
// in each run: the object's own name, without what the server has made up. The zero value has none.
type identities struct {
	made  map[string]string
	names *names // nil after something was added
}

func (i *identities) add(r ref, o *unstructured.Unstructured) {
	i.replace(string(o.GetUID()), "uid("+identity(r, o)+")")
	if name := stableName(o); name != o.GetName() {
		i.replace(o.GetName(), name)
	}
}

func (i *identities) replace(made, by string) {
	if i.made[made] == by {
		return
	}
	if i.made == nil {
		i.made = map[string]string{}
	}
	i.made[made], i.names = by, nil
}

// known returns what replaces all that was added so far.
func (i *identities) known() names {
	if i.names == nil {
		var pairs []string
		for _, made := range slices.Sorted(maps.Keys(i.made)) {
			pairs = append(pairs, made, i.made[made])
		}
		i.names = &names{strings.NewReplacer(pairs...)}
	}
	return *i.names
}

// identity is a name of an object that does not change from run to run.
func identity(r ref, o *unstructured.Unstructured) string {
	r.key.Name = stableName(o)
	return r.String()
}

// stableName is the name of an object, without the part that the server has made up.
func stableName(o *unstructured.Unstructured) string {
	if base := o.GetGenerateName(); base != "" && strings.HasPrefix(o.GetName(), base) {
		return base + "*"
	}
	return o.GetName()
}

// snapshot is the state of objects and external systems.
func snapshot(objects map[ref]*unstructured.Unstructured, names names, external map[string]External) (state, error) {
	out := state{}
	same := map[string][]fields{}
	for r, o := range objects {
		name := names.made.Replace(identity(r, o))
		same[name] = append(same[name], fields{resource: r.resource.String(), values: names.flatten(o)})
	}
	for name, all := range same {
		slices.SortFunc(all, func(a, b fields) int { return strings.Compare(a.text(), b.text()) })
		for i, f := range all {
			if i > 0 {
				out[fmt.Sprintf("%s#%d", name, i+1)] = f
				continue
			}
			out[name] = f
		}
	}
	for name, system := range external {
		var content any
		data, err := json.Marshal(system.Snapshot())
		if err == nil {
			err = json.Unmarshal(data, &content)
		}
		if err != nil {
			return nil, fmt.Errorf("snapshot of external system %q as JSON: %w", name, err)
		}
		f := fields{resource: name, values: map[string]string{}}
		names.walk(f.values, "", content)
		out["external "+name] = f
	}
	return out, nil
}

func (f fields) text() string {
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(f.values)) {
		b.WriteString(path + "=" + f.values[path] + "\n")
	}
	return b.String()
}

// flatten returns the fields of an object without those that count writes and time.
func (n names) flatten(o *unstructured.Unstructured) map[string]string {
	values := map[string]string{}
	for key, value := range o.Object {
		switch key {
		case "apiVersion", "kind":
		case "metadata":
			meta, _ := value.(map[string]any)
			for key, value := range meta {
				switch key {
				case "name", "namespace", "generateName", "uid", "resourceVersion", "generation", "creationTimestamp",
					"managedFields", "selfLink", "deletionGracePeriodSeconds":
				case "deletionTimestamp":
					values["metadata.deletionTimestamp"] = "set"
				default:
					n.walk(values, "metadata."+key, value)
				}
			}
		default:
			n.walk(values, key, value)
		}
	}
	countFrom(o.GetGeneration(), values)
	if o.GetKind() == "Service" && o.GetAPIVersion() == "v1" {
		withoutAddresses(values)
	}
	return values
}

// withoutAddresses leaves of the addresses and ports that the server gives to Services that they are there.
func withoutAddresses(values map[string]string) {
	for path, value := range values {
		isAddress := strings.HasPrefix(path, "spec.clusterIP") || strings.HasPrefix(path, "spec.ports[") && strings.HasSuffix(path, ".nodePort") || path == "spec.healthCheckNodePort"
		if isAddress && value != `"None"` && value != `""` {
			values[path] = "set"
		}
	}
}

// countFrom writes the generations that a status says it is about as what they are beside that of
// the object, which counts how often it was changed: a spec that was changed back is another
// generation than one that was never changed.
func countFrom(generation int64, values map[string]string) {
	for path, text := range values {
		observed, err := strconv.ParseInt(text, 10, 64)
		if err != nil || !isObservedGeneration(path) {
			continue
		}
		values[path] = "metadata.generation"
		if observed != generation {
			values[path] = "another than metadata.generation"
		}
	}
}

func isObservedGeneration(path string) bool {
	return strings.HasPrefix(path, "status.") && strings.HasSuffix(path, ".observedGeneration")
}

func (n names) walk(into map[string]string, path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 && path != "" {
			into[path] = "{}"
		}
		for key, item := range v {
			n.walk(into, strings.TrimPrefix(path+"."+key, "."), item)
		}
	case []any:
		if len(v) == 0 {
			into[path] = "[]"
		}
		for i, item := range v {
			n.walk(into, fmt.Sprintf("%s[%d]", path, i), item)
		}
	case string:
		into[path] = fmt.Sprintf("%q", n.made.Replace(v))
	default:
		into[path] = fmt.Sprint(v)
	}
}

// difference is one way in which two states differ.
type difference struct {
	leaf
	want, got string
}

func (d difference) String() string {
	switch {
	case d.path == "" && d.got == "":
		return d.object + ": is missing"
	case d.path == "":
		return d.object + ": should not be there"
	}
	return fmt.Sprintf("%s: %s is %s, and should be %s", d.object, d.path, orNothing(d.got), orNothing(d.want))
}

func orNothing(value string) string {
	if value == "" {
		return "nothing"
	}
	return value
}

// differences compares a state with what it should be.
func (s state) differences(want state, m *mask) (out []difference) {
	for _, object := range slices.Sorted(maps.Keys(union(s, want))) {
		got, isThere := s[object]
		wanted, shouldBe := want[object]
		switch {
		case !isThere:
			out = append(out, difference{leaf: leaf{resource: wanted.resource, object: object}, want: "there"})
			continue
		case !shouldBe:
			out = append(out, difference{leaf: leaf{resource: got.resource, object: object}, got: "there"})
			continue
		}
		out = append(out, got.differences(object, wanted, m)...)
	}
	return out
}

func (f fields) differences(object string, want fields, m *mask) (out []difference) {
	for _, path := range slices.Sorted(maps.Keys(union(f.values, want.values))) {
		if f.values[path] != want.values[path] && !m.hides(f.resource, object, path) {
			out = append(out, difference{leaf: leaf{f.resource, object, path}, want: want.values[path], got: f.values[path]})
		}
	}
	return out
}

// visible reports whether a mask leaves anything of a state to compare.
func (s state) visible(m *mask) bool {
	for object, f := range s {
		for path := range f.values {
			if !m.hides(f.resource, object, path) {
				return true
			}
		}
	}
	return false
}
