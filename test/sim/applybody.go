package sim

import (
	"slices"

	sigsjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// decodeApplied reads the body of a server-side apply, which is YAML. Nearly all are JSON, for which a
// parser of YAML takes ten times as long, twice: once more for keys that stand twice, which twice says.
func decodeApplied(body []byte) (object map[string]any, twice, err error) {
	if strict, err := sigsjson.UnmarshalStrict(body, &object); err == nil && len(strict) == 0 && !hasFloat(object) {
		return object, nil, nil
	}
	data, err := yaml.YAMLToJSON(body)
	if err != nil {
		return nil, nil, err
	}
	if object, err = decodeObject(data); err != nil {
		return nil, nil, err
	}
	_, twice = yaml.YAMLToJSONStrict(body)
	return object, twice, nil
}

// hasFloat reports whether there is a number that YAML may read in another way.
func hasFloat(value any) bool {
	switch v := value.(type) {
	case float64:
		return true
	case map[string]any:
		for _, item := range v {
			if hasFloat(item) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasFloat)
	}
	return false
}
