// Package tables shows objects as rows of a table, as kubectl get prints them: of kinds that are
// compiled into an API server with the columns that the server has for them, of others with the
// columns that their CustomResourceDefinition names.
package tables
