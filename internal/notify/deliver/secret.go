package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"awsscanner/internal/model"
	"awsscanner/internal/notify"
)

const longestSecret = 64 << 10

// secret reads a secret where it is. Errors say where that is, and never what it is.
func (d *Deliverer) secret(ctx context.Context, ch *notify.Channel, where notify.Secret) (string, error) {
	kind, name, _ := strings.Cut(string(where), ":")
	text, err := "", error(nil)
	switch kind {
	case "env":
		text = os.Getenv(name)
	case "file":
		text, err = readSecret(name)
	case "secretsmanager":
		text, err = d.fromSecretsManager(ctx, ch, name)
	case "ssm":
		text, err = d.fromParameterStore(ctx, ch, name)
	}
	text = strings.TrimRight(text, "\r\n")
	if err == nil && strings.TrimSpace(text) == "" {
		err = errors.New("there is nothing")
	}
	if err != nil {
		return "", fmt.Errorf("the secret %s cannot be read: %w", where, err)
	}
	return text, nil
}

func readSecret(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", errors.Unwrap(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, longestSecret))
	return string(text), err
}

// FromAWS reads a secret of Secrets Manager, or a parameter of Systems Manager, with the credentials of this process.
func (d *Deliverer) FromAWS(ctx context.Context, kind, name string) (string, error) {
	if kind == "ssm" {
		return d.fromParameterStore(ctx, &notify.Channel{Role: notify.Current}, name)
	}
	return d.fromSecretsManager(ctx, &notify.Channel{Role: notify.Current}, name)
}

// fromSecretsManager reads a secret by its ARN; ARN#FIELD is a field of one that is JSON.
func (d *Deliverer) fromSecretsManager(ctx context.Context, ch *notify.Channel, name string) (string, error) {
	arn, field, wantsField := strings.Cut(name, "#")
	parsed, _ := model.ParseARN(arn)
	cfg, err := d.aws(ctx, ch, parsed.Region)
	if err != nil {
		return "", err
	}
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
	if err != nil {
		return "", explain(err)
	}
	text := aws.ToString(out.SecretString)
	if !wantsField {
		return text, nil
	}
	var fields map[string]any
	if json.Unmarshal([]byte(text), &fields) != nil {
		return "", errors.New("it is no JSON object that could have fields")
	}
	value, ok := fields[field].(string)
	if !ok {
		return "", errors.New("it has no such field with a text")
	}
	return value, nil
}

func (d *Deliverer) fromParameterStore(ctx context.Context, ch *notify.Channel, name string) (string, error) {
	parsed, _ := model.ParseARN(name)
	cfg, err := d.aws(ctx, ch, parsed.Region)
	if err != nil {
		return "", err
	}
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	if err != nil {
		return "", explain(err)
	}
	if out.Parameter == nil {
		return "", nil
	}
	return aws.ToString(out.Parameter.Value), nil
}
