package fuzz

import "math/rand/v2"

// value makes one of the values that a field may have. They are few, so that they repeat.
type value func(r *rand.Rand) any

// field is a part of an object that is there in some percent of cases.
type field struct {
	name  string
	odds  int
	value value
}

func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func oneOf(values ...any) value {
	return func(r *rand.Rand) any { return pick(r, values...) }
}

func object(fields ...field) value {
	return func(r *rand.Rand) any { return some(r, fields) }
}

func some(r *rand.Rand, fields []field) map[string]any {
	out := map[string]any{}
	for _, f := range fields {
		if chance(r, f.odds) {
			out[f.name] = f.value(r)
		}
	}
	return out
}

// list makes lists of at most three items.
func list(item value) value {
	return func(r *rand.Rand) any {
		out := []any{}
		for range pick(r, 0, 1, 1, 2, 2, 3) {
			out = append(out, item(r))
		}
		return out
	}
}

// keyed makes lists of at most two objects, which a field of theirs tells apart, mostly.
func keyed(key string, name value, fields ...field) value {
	return func(r *rand.Rand) any {
		out := []any{}
		for range pick(r, 0, 1, 1, 1, 2, 2) {
			item := some(r, fields)
			item[key] = name(r)
			if len(out) == 0 || item[key] != out[0].(map[string]any)[key] || chance(r, 5) { //nolint:forcetypeassert // as above
				out = append(out, item)
			}
		}
		return out
	}
}

// spoilt returns an object in which now and then something is missing, empty or null.
func spoilt(r *rand.Rand, object map[string]any, percent int) map[string]any {
	for _, key := range sortedKeys(object) {
		if inner, isObject := object[key].(map[string]any); isObject {
			object[key] = spoilt(r, inner, percent)
		}
		if chance(r, percent) {
			object[key] = nil
		}
	}
	return object
}
