package schema_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// messages are the errors as the server shows them to a user.
func messages[E error](errs []E) []string {
	var out []string
	for _, err := range errs {
		out = append(out, err.Error())
	}
	return out
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		spec, in string
		want     []string
	}{
		"string for integer": {
			spec: `{num: {type: integer}}`, in: `{num: x}`,
			want: []string{`spec.num: Invalid value: "string": spec.num in body must be of type integer: "string"`},
		},
		"fraction for integer": {
			spec: `{num: {type: integer}}`, in: `{num: 1.5}`,
			want: []string{
				`<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.num`,
				`spec.num: Invalid value: "number": spec.num in body must be of type integer: "number"`,
			},
		},
		"object for string": {
			spec: `{s: {type: string}}`, in: `{s: {a: b}}`,
			want: []string{`spec.s: Invalid value: "object": spec.s in body must be of type string: "object"`},
		},
		"integer for number":          {spec: `{num: {type: number}}`, in: `{num: 1}`},
		"whole float for integer":     {spec: `{num: {type: integer}}`, in: `{num: 2.0}`},
		"integer for int-or-string":   {spec: `{p: {x-kubernetes-int-or-string: true}}`, in: `{p: 80}`},
		"string for int-or-string":    {spec: `{p: {x-kubernetes-int-or-string: true}}`, in: `{p: http}`},
		"null for nullable":           {spec: `{s: {type: string, nullable: true}}`, in: `{s: null}`},
		"anything where all may be":   {spec: `{x: {x-kubernetes-preserve-unknown-fields: true}}`, in: `{x: [1]}`},
		"generated int-or-string":     {spec: `{p: {anyOf: [{type: integer}, {type: string}], x-kubernetes-int-or-string: true}}`, in: `{p: 80}`},
		"format that is not checked":  {spec: `{s: {type: string, format: country}}`, in: `{s: x}`},
		"format of a number in text":  {spec: `{s: {type: string, format: int32}}`, in: `{s: x}`},
		"enum of numbers":             {spec: `{num: {type: integer, enum: [1, 2]}}`, in: `{num: 2}`},
		"one of anyOf":                {spec: `{s: {type: string, anyOf: [{pattern: "^a"}, {maxLength: 1}]}}`, in: `{s: b}`},
		"one of oneOf":                {spec: `{s: {type: string, oneOf: [{pattern: "^a"}, {maxLength: 1}]}}`, in: `{s: b}`},
		"format of another type":      {spec: `{num: {type: integer, format: date-time}}`, in: `{num: 2.0}`},
		"good format":                 {spec: `{t: {type: string, format: date-time}}`, in: `{t: "2006-01-02T15:04:05Z"}`},
		"values of a map":             {spec: `{m: {type: object, additionalProperties: {type: integer}}}`, in: `{m: {a: 1}}`},
		"boundaries are inside":       {spec: `{num: {type: integer, minimum: 1, maximum: 1}}`, in: `{num: 1}`},
		"length counts runes":         {spec: `{s: {type: string, maxLength: 2}}`, in: `{s: "öä"}`},
		"pattern matches a part":      {spec: `{s: {type: string, pattern: "b"}}`, in: `{s: abc}`},
		"unknown fields are no error": {spec: `{s: {type: string}}`, in: `{x: w}`},
		"boolean for int-or-string": {
			spec: `{p: {x-kubernetes-int-or-string: true}}`, in: `{p: true}`,
			want: []string{`spec.p: Invalid value: "boolean": spec.p in body must be of type integer,string: "boolean"`},
		},
		"null": {
			spec: `{l: {type: array, items: {type: string}}}`, in: `{l: [null]}`,
			want: []string{`spec.l[0]: Invalid value: "null": spec.l[0] in body must be of type string: "null"`},
		},
		"required": {
			spec: `{o: {type: object, required: [a, b], properties: {a: {type: string}, b: {type: string}}}}`, in: `{o: {b: x}}`,
			want: []string{`spec.o.a: Required value`},
		},
		"enum": {
			spec: `{s: {type: string, enum: [A, B]}}`, in: `{s: C}`,
			want: []string{`spec.s: Unsupported value: "C": supported values: "A", "B"`},
		},
		"enum of numbers, none of them": {
			spec: `{num: {type: integer, enum: [1, 2]}}`, in: `{num: 3}`,
			want: []string{`spec.num: Unsupported value: 3: supported values: "1", "2"`},
		},
		"pattern": {
			spec: `{s: {type: string, pattern: "^[a-z]+$"}}`, in: `{s: A1}`,
			want: []string{`spec.s: Invalid value: "A1": spec.s in body should match '^[a-z]+$'`},
		},
		"minimum": {
			spec: `{num: {type: integer, minimum: 1}}`, in: `{num: 0}`,
			want: []string{`spec.num: Invalid value: 0: spec.num in body should be greater than or equal to 1`},
		},
		"exclusive maximum": {
			spec: `{num: {type: number, maximum: 1.5, exclusiveMaximum: true}}`, in: `{num: 1.5}`,
			want: []string{`spec.num: Invalid value: 1.5: spec.num in body should be less than 1.5`},
		},
		"exclusive minimum": {
			spec: `{num: {type: integer, minimum: 1, exclusiveMinimum: true}}`, in: `{num: 1}`,
			want: []string{`spec.num: Invalid value: 1: spec.num in body should be greater than 1`},
		},
		"maximum": {
			spec: `{num: {type: integer, maximum: 1}}`, in: `{num: 2}`,
			want: []string{`spec.num: Invalid value: 2: spec.num in body should be less than or equal to 1`},
		},
		"maximum of any type": {
			spec: `{x: {x-kubernetes-preserve-unknown-fields: true, maximum: 1}}`, in: `{x: 2}`,
			want: []string{`spec.x: Invalid value: 2: spec.x in body should be less than or equal to 1`},
		},
		"format of any type": {
			spec: `{x: {x-kubernetes-preserve-unknown-fields: true, format: date}}`, in: `{x: 2}`,
			want: []string{`spec.x: Invalid value: "int64": spec.x in body must be of type date: "int64"`},
		},
		"multipleOf": {
			spec: `{num: {type: integer, multipleOf: 5}}`, in: `{num: 12}`,
			want: []string{`spec.num: Invalid value: 12: spec.num in body should be a multiple of 5`},
		},
		"int32": {
			spec: `{num: {type: integer, format: int32}}`, in: `{num: 3000000000}`,
			want: []string{`<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.num`},
		},
		"minLength": {
			spec: `{s: {type: string, minLength: 1}}`, in: `{s: ""}`,
			want: []string{`spec.s: Invalid value: "": spec.s in body should be at least 1 chars long`},
		},
		"maxLength": {
			spec: `{s: {type: string, maxLength: 2}}`, in: `{s: abc}`,
			want: []string{`spec.s: Too long: may not be more than 2 bytes`},
		},
		"minItems": {
			spec: `{l: {type: array, minItems: 1, items: {type: string}}}`, in: `{l: []}`,
			want: []string{`spec.l: Invalid value: 0: spec.l in body should have at least 1 items`},
		},
		"maxItems": {
			spec: `{l: {type: array, maxItems: 1, items: {type: string}}}`, in: `{l: [a, b]}`,
			want: []string{`spec.l: Too many: 2: must have at most 1 item`},
		},
		"maxProperties": {
			spec: `{m: {type: object, maxProperties: 1, additionalProperties: {type: string}}}`, in: `{m: {a: a, b: b}}`,
			want: []string{`spec.m: Too many: 2: must have at most 1 item`},
		},
		"minProperties": {
			spec: `{m: {type: object, minProperties: 1, additionalProperties: {type: string}}}`, in: `{m: {}}`,
			want: []string{`spec.m: Invalid value: 0: spec.m in body should have at least 1 properties`},
		},
		"uniqueItems": {
			spec: `{l: {type: array, uniqueItems: true, items: {type: string}}}`, in: `{l: [a, a]}`,
			want: []string{`spec.l: Invalid value: "": spec.l in body shouldn't contain duplicates`},
		},
		"format": {
			spec: `{t: {type: string, format: date-time}}`, in: `{t: yesterday}`,
			want: []string{`spec.t: Invalid value: "yesterday": spec.t in body must be of type date-time: "yesterday"`},
		},
		"bad value of a map": {
			spec: `{m: {type: object, additionalProperties: {type: integer}}}`, in: `{m: {a: x}}`,
			want: []string{`spec.m.a: Invalid value: "string": spec.m.a in body must be of type integer: "string"`},
		},
		"anyOf": {
			spec: `{s: {type: string, anyOf: [{pattern: "^a"}, {maxLength: 1}]}}`, in: `{s: bc}`,
			want: []string{
				`<nil>: Invalid value: "": "spec.s" must validate at least one schema (anyOf)`,
				`spec.s: Invalid value: "bc": spec.s in body should match '^a'`,
			},
		},
		"oneOf, none": {
			spec: `{o: {type: object, properties: {a: {type: string}, b: {type: string}}, oneOf: [{required: [a]}, {required: [b]}]}}`, in: `{o: {}}`,
			want: []string{
				`<nil>: Invalid value: "": "spec.o" must validate one and only one schema (oneOf). Found none valid`,
				`spec.o.a: Required value`,
			},
		},
		"oneOf, two": {
			spec: `{o: {type: object, properties: {a: {type: string}, b: {type: string}}, oneOf: [{required: [a]}, {required: [b]}]}}`, in: `{o: {a: x, b: w}}`,
			want: []string{`<nil>: Invalid value: "": "spec.o" must validate one and only one schema (oneOf). Found 2 valid alternatives`},
		},
		"allOf": {
			spec: `{num: {type: integer, allOf: [{minimum: 1}, {maximum: 5}]}}`, in: `{num: 6}`,
			want: []string{
				`<nil>: Invalid value: "": "spec.num" must validate all the schemas (allOf)`,
				`spec.num: Invalid value: 6: spec.num in body should be less than or equal to 5`,
			},
		},
		"not": {
			spec: `{o: {type: object, properties: {a: {type: string}}, not: {properties: {a: {enum: [x]}}, required: [a]}}}`, in: `{o: {a: x}}`,
			want: []string{`<nil>: Invalid value: "": "spec.o" must not validate the schema (not)`},
		},
		"items below a quantifier": {
			spec: `{l: {type: array, items: {type: string}, allOf: [{items: {minLength: 1}}]}}`, in: `{l: [""]}`,
			want: []string{
				`<nil>: Invalid value: "": "spec.l" must validate all the schemas (allOf). None validated`,
				`spec.l[0]: Invalid value: "": spec.l[0] in body should be at least 1 chars long`,
			},
		},
		"several, sorted": {
			spec: `{b: {type: integer}, a: {type: integer}, c: {type: string, enum: [A]}}`, in: `{c: x, b: x, a: x}`,
			want: []string{
				`spec.a: Invalid value: "string": spec.a in body must be of type integer: "string"`,
				`spec.b: Invalid value: "string": spec.b in body must be of type integer: "string"`,
				`spec.c: Unsupported value: "x": supported values: "A"`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			obj := object(t, `{metadata: {name: a}, spec: `+c.in+`}`)
			require.Equal(t, c.want, messages(specSchema(t, c.spec).Validate(obj, nil)))
			require.Equal(t, object(t, `{metadata: {name: a}, spec: `+c.in+`}`), obj)
		})
	}
}

func TestValidateMetadata(t *testing.T) {
	s := newSchema(t, `{type: object, properties: {metadata: {type: object, properties: {name: {type: string, maxLength: 3}}}}, required: [spec]}`)
	require.Equal(t, []string{
		`metadata.name: Too long: may not be more than 3 bytes`,
		`spec: Required value`,
	}, messages(s.Validate(object(t, `{apiVersion: a/v1, kind: A, metadata: {name: abcd}}`), nil)))
}

// What a user of client-go finds in the status of the answer.
func TestValidateAnswersWithCauses(t *testing.T) {
	s := specSchema(t, `{num: {type: integer}, s: {type: string, maxLength: 1, enum: [a]}, l: {type: array, maxItems: 0, x-kubernetes-list-type: set, items: {type: string}}}`)
	errs := s.Validate(object(t, `{spec: {num: x, s: bb, l: [a, a]}}`), nil)
	var causes []string
	for _, cause := range apierrors.NewInvalid(schema.GroupKind{}, "a", errs).ErrStatus.Details.Causes {
		causes = append(causes, string(cause.Type)+" "+cause.Field)
	}
	require.Equal(t, []string{
		"FieldValueTooMany spec.l", "FieldValueTypeInvalid spec.num", "FieldValueTooLong spec.s", "FieldValueNotSupported spec.s",
		"FieldValueDuplicate spec.l[1]",
	}, causes)
}

func TestValidateTellsThatRulesWereNotReached(t *testing.T) {
	s := specSchema(t, `{num: {type: integer, minimum: 1, x-kubernetes-validations: [{rule: "self < 5"}]}}`)
	require.Empty(t, s.Validate(object(t, `{spec: {num: 7}}`), nil))
	require.Len(t, s.Validate(object(t, `{spec: {num: 0}}`), nil), 1)
	require.Equal(t, []string{
		`spec.num: Invalid value: "string": spec.num in body must be of type integer: "string"`,
		`<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation`,
	}, messages(s.Validate(object(t, `{spec: {num: x}}`), nil)))
}

func TestConcurrentUse(t *testing.T) {
	s := newSchema(t, widgetSchema)
	old := widget(t, 20)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 20 {
				obj := widget(t, 20)
				obj["unknown"] = true
				s.Prune(obj)
				s.Default(obj)
				if len(s.Validate(obj, nil)) != 0 {
					t.Error("not valid")
				}
				obj["spec"].(map[string]any)["mode"] = "Wrong"
				if len(s.Validate(obj, old)) != 1 {
					t.Error("not one error")
				}
			}
		})
	}
	wait.Wait()
}
