package debug

import (
	"bytes"
	"crypto/rand"
	_ "embed" // the templates
	"encoding/json"
	"fmt"
	htmltemplate "html/template"
	"net/http"
	"strconv"
	"strings"
	texttemplate "text/template"
	"time"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.txt
	pageText string

	functions = map[string]any{
		"span": func(s seconds) string { return span(time.Duration(s)) },
		"next": func(s *seconds) string { return span(time.Duration(*s)) },
		"join": strings.Join, "plural": plural, "throughput": throughput, "histogram": histogram, "clock": clock,
		"instant": func(t *time.Time) string { return t.Format(time.RFC3339) },
		"story":   func(s story) attempts { return attempts{s.Attempts, false} },
		"recent":  func(c controllerView) attempts { return attempts{c.Recent, true} },
	}
	asHTML = htmltemplate.Must(htmltemplate.New("page").Funcs(functions).Parse(pageHTML))
	asText = texttemplate.Must(texttemplate.New("page").Funcs(functions).Parse(pageText))
)

// attempts is a table of attempts, which names their objects if there are several.
type attempts struct {
	All     []attemptView
	Objects bool
}

// ServeHTTP shows what the controllers do. See the documentation of the package for what may be asked.
func (in *Inspector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !readOnly(w, r) {
		return
	}
	query := r.URL.Query()
	p := in.page(strings.TrimSpace(query.Get("key")), strings.TrimSpace(query.Get("q")), time.Now())
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Vary", "Accept")
	var body bytes.Buffer
	var err error
	switch format := formatOf(query.Get("format"), r.Header.Get("Accept")); format {
	case "html":
		nonce := rand.Text()
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; script-src 'nonce-"+nonce+"'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		header.Set("Referrer-Policy", "same-origin")
		err = asHTML.ExecuteTemplate(&body, templateFor(r), struct {
			*page
			Nonce string
		}{p, nonce})
	case "json":
		header.Set("Content-Type", "application/json")
		encoder := json.NewEncoder(&body)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(p)
	case "text":
		header.Set("Content-Type", "text/plain; charset=utf-8")
		err = asText.Execute(&body, p)
	default:
		http.Error(w, fmt.Sprintf("format %q is not html, json or text", format), http.StatusBadRequest)
		return
	}
	if err != nil {
		http.Error(w, "cannot show the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	if p.Key != "" && len(p.Stories) == 0 {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = body.WriteTo(w) // who asked has gone
}

// templateFor is the whole page, or only the part of it that changes, which the page asks for.
func templateFor(r *http.Request) string {
	if r.Header.Get("X-Part") != "" {
		return "main"
	}
	return "page"
}

// formatOf chooses a format: a browser wants HTML, and curl accepts anything.
func formatOf(asked, accept string) string {
	switch {
	case asked != "":
		return asked
	case strings.Contains(accept, "text/html"):
		return "html"
	case strings.Contains(accept, "application/json"):
		return "json"
	default:
		return "text"
	}
}

// MarshalJSON makes a number of seconds of a duration.
func (s seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(s).Seconds(), 'f', -1, 64), nil
}

// span is a duration for people: with two or three digits.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return strings.TrimSuffix(d.Round(time.Second).String(), "m0s") + map[bool]string{true: "m"}[d.Round(time.Second)%time.Minute == 0]
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	default:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }
