// Package demo holds an AWS account for demonstrations and tests: what AWS answers about that of a small company, acme.
package demo

import (
	"embed"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"awsscanner/internal/awstest"
)

// The answers to the calls of a service: recorded.jsonl from an emulator, the others as the API reference documents them.
//
//go:embed account/*.jsonl
var account embed.FS

// Start is the time of the recording. A scan that begins then has the same verdicts for ever.
var Start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// home is the region of the company.
const home = "eu-central-1"

// Client returns an HTTP client that answers as AWS does, without a network.
func Client() (*awstest.Replayer, error) { return awstest.Replay(Recording()) }

// Recording returns the answers as awstest.Replay reads them.
func Recording() io.Reader {
	var all []io.Reader
	files, _ := account.ReadDir("account") // it is part of the program
	for _, f := range files {
		if part, err := account.Open("account/" + f.Name()); err == nil {
			all = append(all, part)
		}
	}
	return io.MultiReader(all...)
}

// Config returns a configuration whose clients see the account.
func Config() (aws.Config, error) {
	client, err := Client()
	return awstest.Config(home, client), err
}
