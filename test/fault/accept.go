package fault

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// inJSON asks for the same in JSON: that is what can be read here without knowing the kind.
// What is asked for beside the encoding, such as only the metadata, stays.
func inJSON(r *http.Request) *http.Request {
	var accepted []string
	for _, accept := range r.Header.Values("Accept") {
		for element := range strings.SplitSeq(accept, ",") {
			_, params, err := mime.ParseMediaType(element)
			if err != nil {
				continue
			}
			delete(params, "q") // the order says it too
			if json := mime.FormatMediaType("application/json", params); !slices.Contains(accepted, json) {
				accepted = append(accepted, json)
			}
		}
	}
	if len(accepted) == 0 {
		accepted = []string{"application/json"}
	}
	r = r.Clone(r.Context())
	r.Header.Set("Accept", strings.Join(accepted, ","))
	return r
}
