package rawjson

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// buffered is how much a Reader reads at a time. Most objects come in one piece then.
const buffered = 32 << 10

// Reader reads JSON objects that follow each other in a stream.
type Reader struct {
	in   *bufio.Reader
	most int
}

// NewReader returns a Reader of objects of at most so many bytes.
func NewReader(in io.Reader, most int) *Reader {
	return &Reader{bufio.NewReaderSize(in, buffered), most}
}

// Next returns the next object, in memory that is used for nothing else. The error is io.EOF if
// there is none, and io.ErrUnexpectedEOF if the stream ends in it.
func (r *Reader) Next() ([]byte, error) {
	if err := r.begin(); err != nil {
		return nil, err
	}
	var object []byte
	for s := new(scan); ; {
		if _, err := r.in.Peek(1); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		piece, _ := r.in.Peek(r.in.Buffered()) // which is there
		n, over := s.end(piece)
		if len(object)+n > r.most {
			return nil, fmt.Errorf("an object in the stream has more than %d bytes", r.most)
		}
		object = append(object, piece[:n]...)
		_, _ = r.in.Discard(n) // which was peeked
		if over {
			return object, nil
		}
	}
}

// begin goes to the next object.
func (r *Reader) begin() error {
	for {
		b, err := r.in.ReadByte()
		switch {
		case err != nil:
			return err
		case b == '{':
			return r.in.UnreadByte()
		case !isSpace(b):
			return fmt.Errorf("what follows in the stream is no object, it begins with %q", b)
		}
	}
}
