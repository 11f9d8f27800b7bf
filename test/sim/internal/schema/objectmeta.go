package schema

// objectMeta is the structure of metav1.ObjectMeta, which all schemas share. How its
// lists are merged is what the types of Kubernetes declare.
var objectMeta = &node{
	typ: "object",
	properties: map[string]*node{
		"name":                       stringNode,
		"generateName":               stringNode,
		"namespace":                  stringNode,
		"selfLink":                   stringNode,
		"uid":                        stringNode,
		"resourceVersion":            stringNode,
		"generation":                 {typ: "integer", format: "int64"},
		"creationTimestamp":          timeNode,
		"deletionTimestamp":          timeNode,
		"deletionGracePeriodSeconds": {typ: "integer", format: "int64"},
		"labels":                     {typ: "object", open: true, additional: stringNode},
		"annotations":                {typ: "object", open: true, additional: stringNode},
		"finalizers":                 {typ: "array", listType: "set", items: stringNode},
		"ownerReferences":            {typ: "array", listType: "map", listMapKeys: []string{"uid"}, items: ownerReference},
		"managedFields":              {typ: "array", listType: "atomic", items: managedFieldsEntry},
	},
}

// ownerReference is the structure of metav1.OwnerReference: it is replaced as a whole.
var ownerReference = &node{
	typ:     "object",
	mapType: "atomic",
	properties: map[string]*node{
		"apiVersion":         {typ: "string", def: ""},
		"kind":               {typ: "string", def: ""},
		"name":               {typ: "string", def: ""},
		"uid":                {typ: "string", def: ""},
		"controller":         {typ: "boolean"},
		"blockOwnerDeletion": {typ: "boolean"},
	},
}

// managedFieldsEntry is the structure of metav1.ManagedFieldsEntry.
var managedFieldsEntry = &node{
	typ: "object",
	properties: map[string]*node{
		"manager":     stringNode,
		"operation":   stringNode,
		"apiVersion":  stringNode,
		"time":        timeNode,
		"fieldsType":  stringNode,
		"fieldsV1":    {typ: "object", preserve: true},
		"subresource": stringNode,
	},
}

var (
	stringNode = &node{typ: "string"}
	timeNode   = &node{typ: "string", format: "date-time"}
)
