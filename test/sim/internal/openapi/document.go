package openapi

import (
	"encoding/json"
	"fmt"
	"slices"

	openapiv2 "github.com/google/gnostic-models/openapiv2"
	openapiv3 "github.com/google/gnostic-models/openapiv3"
	"google.golang.org/protobuf/proto"
	smdschema "sigs.k8s.io/structured-merge-diff/v6/schema"
)

// V3 is the document of version 3 for kinds of one group and version, in JSON. merge is the
// schema for server-side apply of kinds that are compiled in; nil if there is none.
func V3(kinds []Kind, merge *smdschema.Schema) ([]byte, error) {
	schemas, paths := describe(kinds, merge)
	return json.Marshal(Schema{
		"openapi": "3.0.0", "info": info, "paths": paths, "components": Schema{"schemas": schemas},
	})
}

// V2 is the document of version 2 for all kinds, in JSON.
func V2(kinds []Kind, merge *smdschema.Schema) ([]byte, error) {
	schemas, paths := describe(kinds, merge)
	definitions := Schema{}
	for name, model := range schemas {
		definitions[name] = toV2(model)
	}
	for path, operations := range paths {
		paths[path] = operationsV2(operations)
	}
	return json.Marshal(Schema{"swagger": "2.0", "info": info, "paths": paths, "definitions": definitions})
}

var info = Schema{"title": "Kubernetes", "version": "v1.36.3"}

func describe(kinds []Kind, merge *smdschema.Schema) (models, paths map[string]any) {
	s := &schemas{out: map[string]any{}}
	if merge != nil {
		s.lists = &lists{merge}
	}
	paths = map[string]any{}
	for _, k := range slices.SortedFunc(slices.Values(kinds), compare) {
		k.describe(s)
		k.paths(paths)
	}
	return s.out, paths
}

// ProtobufV3 encodes a document of version 3.
func ProtobufV3(document []byte) ([]byte, error) {
	parsed, err := openapiv3.ParseDocument(document)
	if err != nil {
		return nil, fmt.Errorf("OpenAPI document: %w", err)
	}
	return proto.Marshal(parsed)
}

// ProtobufV2 encodes a document of version 2.
func ProtobufV2(document []byte) ([]byte, error) {
	parsed, err := openapiv2.ParseDocument(document)
	if err != nil {
		return nil, fmt.Errorf("OpenAPI document: %w", err)
	}
	return proto.Marshal(parsed)
}
