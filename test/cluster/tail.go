package cluster

import (
	"bytes"
	"io"
	"os"
)

// tailBytes is how much of a log goes into an error: enough for a stack trace,
// little enough to read.
const tailBytes = 8 << 10

// tailOfFile returns the end of the file, beginning with a whole line.
func tailOfFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	start := max(0, info.Size()-tailBytes)
	content, err := io.ReadAll(io.NewSectionReader(file, start, tailBytes))
	if err != nil {
		return "", err
	}
	return string(wholeLines(content, start > 0)), nil
}

// wholeLines drops what is before the first line break if the beginning was cut.
func wholeLines(content []byte, cut bool) []byte {
	if cut {
		if _, rest, found := bytes.Cut(content, []byte("\n")); found {
			content = rest
		}
	}
	return bytes.TrimSpace(content)
}
