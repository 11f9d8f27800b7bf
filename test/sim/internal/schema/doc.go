// Package schema knows the schema of one version of a CustomResourceDefinition and
// does with objects what kube-apiserver does with them: it drops the fields that
// the schema does not know, fills in defaults, says what is invalid, and tells
// server-side apply how lists and maps are merged.
//
// A server calls it in this order: [Schema.Prune] when an object is decoded, from a
// request or from the storage, [Schema.Default] after that, and [Schema.Validate]
// when the object is about to be stored.
//
// Objects are JSON as k8s.io/apimachinery decodes it: int64, float64, string, bool,
// nil, []any and map[string]any.
//
// What it leaves out, compared with kube-apiserver:
//
//   - rules in CEL (x-kubernetes-validations) are not evaluated,
//     [Schema.Unsupported] names the places that have some;
//   - the TypeMeta and ObjectMeta of the object itself are not validated, beyond
//     what the schema says about metadata: they follow the same rules for all
//     kinds, with a schema or without. Those of embedded resources are;
//   - [New] accepts some schemas that a server rejects when the
//     CustomResourceDefinition is written, such as one whose default is invalid.
package schema
