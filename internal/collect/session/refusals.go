package session

import (
	"context"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"awsscanner/internal/collect"
)

// refusals gives the credentials of another provider until it has been refused several times in a row: when a role cannot be assumed any more in
// the middle of a scan, each of the remaining calls would try again, and ask for another MFA code or ring an alarm for denied calls.
type refusals struct {
	provider aws.CredentialsProvider

	mu  sync.Mutex
	n   int
	err error // the last
}

const enough = 3

func (r *refusals) Retrieve(ctx context.Context) (aws.Credentials, error) {
	r.mu.Lock()
	defer r.mu.Unlock() // one at a time, as the cache above asks anyway
	if r.n >= enough {
		return aws.Credentials{}, r.err
	}
	c, err := r.provider.Retrieve(ctx)
	var mfa *MFAError
	switch {
	case err == nil:
		r.n = 0
	case ctx.Err() == nil && (errors.As(err, &mfa) || collect.GapOf("", err).Reason.Denied()):
		r.n++
		r.err = err
	}
	return c, err
}
