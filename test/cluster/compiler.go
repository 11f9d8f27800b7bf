package cluster

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
)

// compilerOutput takes what "go build -v" writes: a line for each module that is
// downloaded and each package that is compiled, and errors. It counts the first
// two, to show progress, and keeps the end, to show what went wrong.
type compilerOutput struct {
	mutex             sync.Mutex
	end               []byte
	packages, modules int
	unfinished        []byte
}

func (o *compilerOutput) Write(content []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.end = append(o.end, content...)
	if extra := len(o.end) - tailBytes; extra > 0 {
		o.end = o.end[extra:]
	}
	lines := bytes.Split(append(o.unfinished, content...), []byte("\n"))
	for _, line := range lines[:len(lines)-1] {
		o.count(string(line))
	}
	o.unfinished = bytes.Clone(lines[len(lines)-1])
	return len(content), nil
}

func (o *compilerOutput) count(line string) {
	if strings.HasPrefix(line, "go: downloading ") {
		o.modules++
	} else if line != "" && !strings.ContainsAny(line, " \t") {
		// The path of a package has no spaces, a compiler's message has.
		o.packages++
	}
}

// progress says how far the build is.
func (o *compilerOutput) progress() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.packages == 0 {
		return fmt.Sprintf("%d modules downloaded", o.modules)
	}
	return fmt.Sprintf("%d packages compiled", o.packages)
}

// tail returns the last lines.
func (o *compilerOutput) tail() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return string(wholeLines(o.end, len(o.end) == tailBytes))
}
