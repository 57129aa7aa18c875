package collect

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"awsscanner/internal/model"
)

// Done is a call that has ended, with all its attempts. It says nothing of what was asked or answered, nor of who asked and where.
type Done struct {
	Time      time.Time `json:"time"`              // when it began
	Account   string    `json:"account,omitempty"` // "" until AWS has told whose credentials they are
	Service   string    `json:"service"`
	Operation string    `json:"operation"`
	Region    string    `json:"region"`
	Millis    float64   `json:"durationMs"` // with the waits between attempts
	Attempts  int       `json:"attempts"`   // that were sent
	Outcome   string    `json:"outcome"`    // "ok", an error code, "timed-out", "garbled", "stopped" or "failed"
	Status    int       `json:"status,omitempty"`
	Throttles int       `json:"throttles"`
}

func (c *call) done(account string, p pace, start time.Time, outcome string) Done {
	service, operation, _ := strings.Cut(p.op, ":")
	return Done{start.UTC(), account, service, operation, p.region, float64(time.Since(start).Microseconds()) / 1000, c.attempts, outcome, c.status, c.throttles}
}

// errorCode is what error codes look like. Whatever else answers might put any text there.
var errorCode = regexp.MustCompile(`^[A-Za-z][\w.:-]{0,99}$`)

// outcome tells in a word how a call ended.
func outcome(ctx context.Context, err error) string {
	var api smithy.APIError
	var answer answerError
	var garbled *smithy.DeserializationError
	switch {
	case err == nil:
		return "ok"
	case ctx.Err() != nil:
		return string(model.Stopped)
	case errors.As(err, &api) && api.ErrorCode() != "UnknownError" && errorCode.MatchString(api.ErrorCode()):
		return api.ErrorCode()
	case GapOf("", err).Reason == model.TimedOut:
		return string(model.TimedOut)
	case errors.As(err, &answer), errors.As(err, &garbled), errors.Is(err, io.ErrUnexpectedEOF):
		return "garbled"
	}
	return "failed"
}

// A Trace writes a line of JSON for each call. Its lines are written at once, so that none is lost however the program ends.
type Trace struct {
	mu  sync.Mutex
	w   io.Writer
	err error
	// failed is told of the first line that could not be written; none is written after it.
	failed func(error)
}

// NewTrace returns a Trace that writes to w, and tells once if that fails.
func NewTrace(w io.Writer, failed func(error)) *Trace { return &Trace{w: w, failed: failed} }

// Done writes the line of a call.
func (t *Trace) Done(d Done) {
	line, err := json.Marshal(d)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return
	}
	if err == nil {
		_, err = t.w.Write(append(line, '\n'))
	}
	if t.err = err; err != nil {
		t.failed(err)
	}
}
