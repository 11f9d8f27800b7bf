package kerr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds for text that comes from outside, in bytes.
const (
	// MaxLog is for one value of a log record.
	MaxLog = 1 << 10
	// MaxNote is the API server's limit for the note of an Event.
	MaxNote = 1 << 10
	// MaxMessage is for the message of a status condition. The API server allows
	// 32 KiB; a list of objects with such messages is no longer readable.
	MaxMessage = 4 << 10
)

// Text returns s in a form that is safe to log or to store, for text from outside: valid UTF-8,
// one line, with control and text-direction characters (C0, C1, bidi) escaped, and at most limit
// bytes. A line feed becomes the two characters \n. If text is cut off, the result ends in "…".
func Text(s string, limit int) string {
	if len(s) <= limit && plain(s) {
		return s
	}
	// Escaping makes text longer: what is beyond the limit can be dropped before.
	s = s[:min(len(s), limit+utf8.UTFMax)]
	var b strings.Builder
	for i, r := range s {
		if _, size := utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && size <= 1 {
			fmt.Fprintf(&b, `\x%02x`, s[i])
			continue
		}
		writeRune(&b, r)
	}
	return cut(b.String(), limit)
}

func plain(s string) bool {
	for i, r := range s {
		if hostile(r) {
			return false
		}
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size <= 1 {
				return false
			}
		}
	}
	return true
}

func writeRune(b *strings.Builder, r rune) {
	switch {
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case hostile(r) && r <= 0xff:
		fmt.Fprintf(b, `\x%02x`, r)
	case hostile(r):
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		b.WriteRune(r)
	}
}

// hostile reports whether a rune could end a line, move a cursor or reorder text.
func hostile(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == '\ufeff'
}

// cut shortens s to limit bytes at a rune boundary, ending in "…".
func cut(s string, limit int) string {
	const mark = "…"
	if len(s) <= limit {
		return s
	}
	if limit < len(mark) {
		return ""
	}
	end := limit - len(mark)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + mark
}

// Bounded returns an error with err in its chain and [Text] of its text. Bounded(nil, limit) is
// nil.
func Bounded(err error, limit int) error {
	if err == nil {
		return nil
	}
	return &bounded{text: Text(err.Error(), limit), err: err}
}

type bounded struct {
	text string
	err  error
}

func (b *bounded) Error() string { return b.text }
func (b *bounded) Unwrap() error { return b.err }
