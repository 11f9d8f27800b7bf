package schema

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
)

// stringFormats are the formats of strings that the server checks, without their
// dashes, as the registry of formats has them.
var stringFormats = sets.New(
	"bsonobjectid", "uri", "email", "hostname", "ipv4", "ipv6", "cidr", "mac",
	"uuid", "uuid3", "uuid4", "uuid5", "isbn", "isbn10", "isbn13", "creditcard", "ssn",
	"hexcolor", "rgbcolor", "byte", "password", "date", "duration", "datetime",
	"k8sshortname", "k8slongname",
)

// checkedFormat returns format if the server checks it for values of these types,
// and nothing otherwise: it ignores a format that it does not know.
func checkedFormat(format string, types []string) string {
	typ := ""
	if len(types) == 1 {
		typ = types[0]
	}
	checked := false
	switch typ {
	case "string":
		checked = stringFormats.Has(strings.ReplaceAll(format, "-", ""))
	case "integer":
		checked = format == "int32" || format == "int64"
	case "number":
		checked = format == "float" || format == "double"
	case "":
		checked = stringFormats.Has(strings.ReplaceAll(format, "-", ""))
	}
	if !checked {
		return ""
	}
	return format
}
