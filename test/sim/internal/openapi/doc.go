// Package openapi describes the kinds of an API server as OpenAPI documents of versions 2 and 3,
// which kubectl and others ask for: to validate, explain, merge and apply.
//
// The schemas of kinds that are compiled in come from their Go types, which carry everything: the
// names of fields and how they are merged in tags, descriptions in SwaggerDoc, the names of
// schemas in OpenAPIModelName; and from the schema for server-side apply, which knows what lists
// are. So they fit the version of k8s.io/api that the program is built with, and nothing has to be
// generated or kept. Schemas of other kinds are those of their CustomResourceDefinitions.
//
// A document is made when it is asked for.
package openapi
