package rawjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/internal/rawjson"
)

func fields(object string) (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	return all, rawjson.Fields([]byte(object), func(name, value []byte) error {
		all[string(name)] = value
		return nil
	})
}

func elements(array string) (all []json.RawMessage, err error) {
	err = rawjson.Elements([]byte(array), func(element []byte) error {
		all = append(all, element)
		return nil
	})
	return all, err
}

// FuzzG11Parts compares with encoding/json, which also says what is JSON at all.
func FuzzG11Parts(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, ` { "a" : 1 , "b" : [ ] } `, `[1,"]",{"a":"\"}"},null,true]`, `{"\u0061\n":"\\"}`, `{"a":{}}x`, `[1,]`, `{"a"}`, `{"a":1,}`,
		`{,}`, `[`, `{"a":"`, `null`, ` null `, `5`, `"x"`, `[[],[[]]]`, `{1:2}`, `{"a":1 2}`, `[1:2]`, `[}]`, `{"":""}`, "\xff", `["\`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var object map[string]json.RawMessage
		got, err := fields(text)
		if json.Unmarshal([]byte(text), &object) == nil {
			require.NoError(t, err)
			require.True(t, maps.EqualFunc(object, got, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }), "%s and %s", object, got)
		}
		var array []json.RawMessage
		all, err := elements(text)
		if json.Unmarshal([]byte(text), &array) == nil {
			require.NoError(t, err)
			require.Len(t, all, len(array))
			for i := range array {
				require.Equal(t, string(array[i]), string(all[i]))
			}
		}
		r := rawjson.NewReader(iotest.OneByteReader(strings.NewReader(text)), 1<<20)
		if object, err := r.Next(); err == nil {
			require.Contains(t, text, string(object))
		}
	})
}

func TestG11PartsOfWhatIsNoJSON(t *testing.T) {
	for _, text := range []string{``, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a" 1}`, `{1:1}`, `{"a":{}`, `{"a":"}`, `{}x`, `{"a":1}}`, `[]`, `5`} {
		_, err := fields(text)
		require.Error(t, err, text)
	}
	for _, text := range []string{``, `[`, `[1`, `[1,`, `[1,]`, `[,]`, `["]`, `[1 2]`, `[]]`, `{}`} {
		_, err := elements(text)
		require.Error(t, err, text)
	}
	failed := errors.New("of f")
	require.ErrorIs(t, rawjson.Fields([]byte(`{"a":1}`), func(_, _ []byte) error { return failed }), failed)
	require.ErrorIs(t, rawjson.Elements([]byte(`[1]`), func([]byte) error { return failed }), failed)
}

// Kills: an append to a part that overwrites the next one.
func TestG17AppendingToAPartDoesNotReachTheNext(t *testing.T) {
	all, err := elements(`[{"a":1},{"b":2}]`)
	require.NoError(t, err)
	_ = append(all[0], "xxxxxxxx"...)
	require.Equal(t, `{"b":2}`, string(all[1]))
}

func TestG11ObjectsOfAStream(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)
	objects := []string{`{}`, `{"a":"}\"\\"}`, deep, `{"a":[{"b":1}]}`}
	stream := " " + strings.Join(objects, "\n") + objects[0] + "\r\n"
	for name, in := range map[string]io.Reader{"at once": strings.NewReader(stream), "byte by byte": iotest.OneByteReader(strings.NewReader(stream))} {
		r := rawjson.NewReader(in, 1<<20)
		for _, want := range append(objects, objects[0]) {
			got, err := r.Next()
			require.NoError(t, err, name)
			require.Equal(t, want, string(got), name)
		}
		_, err := r.Next()
		require.Equal(t, io.EOF, err, "client-go compares it with ==")
	}
}

func TestG11StreamsThatEndOtherwise(t *testing.T) {
	failed := errors.New("of the connection")
	for stream, want := range map[string]error{"": io.EOF, "\n\n": io.EOF, `{"a":`: io.ErrUnexpectedEOF, `{"a":"}`: io.ErrUnexpectedEOF} {
		_, err := rawjson.NewReader(strings.NewReader(stream), 100).Next()
		require.Equal(t, want, err, stream)
	}
	_, err := rawjson.NewReader(io.MultiReader(strings.NewReader(`{"a":`), iotest.ErrReader(failed)), 100).Next()
	require.Equal(t, failed, err)
	_, err = rawjson.NewReader(strings.NewReader(`[]`), 100).Next()
	require.ErrorContains(t, err, "no object")
}

// endless is a string in an object, without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	if e.read == 0 {
		copy(p, `{"a":"`)
	}
	e.read += len(p)
	return len(p), nil
}

func TestS3AnObjectWithoutAnEndIsRefused(t *testing.T) {
	in := &endless{}
	_, err := rawjson.NewReader(in, 1<<20).Next()
	require.ErrorContains(t, err, "more than 1048576 bytes")
	require.Less(t, in.read, 2<<20)
}
