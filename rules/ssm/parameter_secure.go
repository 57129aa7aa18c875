package ssm

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kms"
	"awsscanner/internal/model/ssm"
)

type secure struct {
	Mode          string   `json:"mode"`           // sensitive: what may hold a secret must be SecureString; all: everything must
	Words         []string `json:"words"`          // whole words of a name or description that mean a secret
	WeakWords     []string `json:"weak_words"`     // whole words of a name that may mean one
	NeverSuffixes []string `json:"never_suffixes"` // last words of names that only tell about a secret: "-arn"
	RequireCMK    bool     `json:"require_cmk"`    // the AWS managed key is not enough
	Exclude       []string `json:"exclude"`        // globs of names
}

var suffix = regexp.MustCompile(`^(-[a-z]+)+$`)

func (p *secure) Validate() error {
	var errs []error
	if p.Mode != "sensitive" && p.Mode != "all" {
		errs = append(errs, fmt.Errorf("mode is %q, but must be sensitive or all", p.Mode))
	}
	for _, s := range p.NeverSuffixes {
		if !suffix.MatchString(s) {
			errs = append(errs, fmt.Errorf("never_suffixes has %q: write words of lower-case letters, each after a hyphen, such as -arn", s))
		}
	}
	return errors.Join(append(errs, engine.CheckWords("words", p.Words), engine.CheckWords("weak_words", p.WeakWords),
		engine.CheckGlobs("exclude", p.Exclude))...)
}

func (p *secure) Reads() []string {
	if p.RequireCMK {
		return []string{"kms.Key.Manager"}
	}
	return nil
}

var _ = Rules.Add(engine.Rule{
	ID:       "ssm-parameter-secure",
	Title:    "Parameters that may hold a secret are SecureString",
	Level:    engine.Recommended,
	Severity: engine.High,
	Worst:    engine.High,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security, engine.OperationalExcellence},
	Why: "The value of a String or StringList is there in plain text for everybody who may call ssm:GetParameter or look at its " +
		"history, which read-only roles often may. A SecureString takes a KMS key as well, which you can grant and audit separately.",
	Fix: engine.Fix{
		Text: "No parameter can change its type, not even by --overwrite: create a SecureString under another name, with a new " +
			"secret, since whoever could read the old one may have it. Keep the value out of arguments and shell history. Switch " +
			"every reader, then delete the old parameter together with its history. Store a list as one JSON document. If the " +
			"parameter holds no secret, name it in exclude. A SecureString whose key is not usable needs that key back, or a new " +
			"value with another key; one under the AWS managed key can be overwritten with --key-id.",
		CLI: `IFS= read -rs SECRET && printf %s "$SECRET" | aws ssm put-parameter --name <new-name> --type SecureString --key-id <key> --value file:///dev/stdin
# a value of several lines: --value file://<file>, and then delete the file
# once every reader uses <new-name>
aws ssm delete-parameter --name <name>`,
		IaC: `# Terraform 1.11 or later: value_wo stays out of plan and state. To store another value raise value_wo_version
resource "aws_ssm_parameter" "<name>" {
  name             = "<new-name>"
  type             = "SecureString"
  key_id           = "<key>"
  value_wo         = var.<secret>
  value_wo_version = 1
}
variable "<secret>" {
  type      = string
  ephemeral = true
}`,
		Breaks: "Readers of the old name, and those that do not ask for decryption or lack kms:Decrypt on a customer key. CloudFormation " +
			"takes a SecureString only as {{resolve:ssm-secure:...}} and in few properties. Search code, templates, task definitions " +
			"and user data for the name, and CloudTrail for GetParameter, GetParameters and GetParametersByPath.",
		Undo: `# 30 seconds after the deletion at the earliest; the value comes from standard input
aws ssm put-parameter --name <name> --type String --value file:///dev/stdin
The history, labels and policies of the old parameter are gone, and its tags must be set again.`,
		Effect: engine.Destroys,
	},
	Reads: []string{"ssm.Parameter.Type", "ssm.Parameter.DataType", "ssm.Parameter.Description", "ssm.Parameter.KMSKey", "kms.Key.State"},

	// That a type cannot change: HierarchyTypeMismatchException in the Systems Manager API Reference.
	// The list answer has no values, and the scanner asks for none: names and descriptions must do.
	Check: engine.EachWith(secure{
		Mode: "sensitive",
		Words: []string{"password", "passwd", "passphrase", "pwd", "secret", "apikey", "api-key", "credential", "credentials",
			"connectionstring", "connection-string", "privatekey", "private-key"},
		WeakWords:     []string{"auth", "cert", "private", "token", "dsn"},
		NeverSuffixes: []string{"-arn", "-id", "-ids", "-name", "-url", "-email"},
		Exclude:       []string{"/aws/*", "/cdk-bootstrap/*"},
	}, func(v *engine.View, p *secure, x *ssm.Parameter) engine.Verdict {
		if engine.MatchAny(p.Exclude, x.ID) {
			return engine.NotApplicable("excluded by parameter")
		}
		advice, severe := "store it in a new parameter of type SecureString", engine.High
		switch t := x.Type.Get(); t {
		case "SecureString":
			return encrypted(v, p, x)
		case "String":
		case "StringList": // holds secrets less often
			advice, severe = "a list cannot be encrypted, so store it as a JSON document in a new parameter of type SecureString", engine.Medium
		default:
			return engine.Unsure(model.TooLittleData, "the type "+t+" is new to the scanner")
		}
		// The other special data type, aws:ssm:integration, is for SecureString: it holds what a webhook needs. Source: Systems
		// Manager User Guide, "Creating webhook integrations for Automation".
		if x.DataType.Get() == "aws:ec2:image" {
			return engine.NotApplicable("its data type is aws:ec2:image, which must be String")
		}
		fail := func(why, advice string, s engine.Severity) engine.Verdict {
			return engine.Fail(why+", and type is "+x.Type.Get()+": "+advice+". The value was not read").With("type", x.Type).As(s)
		}
		strong, weak, never := p.hints(x.ID)
		switch {
		case strong != "":
			return fail(fmt.Sprintf("the name says %q", strong), advice, severe).With("word", strong)
		case p.Mode == "all":
			return fail("mode is all", advice, engine.Medium)
		case never:
			return engine.Pass()
		case weak != "":
			return fail(fmt.Sprintf("the name says %q", weak), "if it holds a secret, "+advice+"; if not, exclude it", engine.Low).With("word", weak)
		}
		if said, ok := engine.FindWord(engine.Words(x.Description.Get()), p.Words); ok {
			return fail(fmt.Sprintf("the description says %q", said), "if it holds a secret, "+advice+"; if not, exclude it", engine.Medium).With("word", said)
		}
		return engine.Pass()
	}),
})

// hints returns the word of a name that means a secret, or the one that may. Never is true of names whose end tells
// that the value is something about a secret, or about a subnet, which is private but no secret.
func (p *secure) hints(name string) (strong, weak string, never bool) {
	words := engine.Words(name)
	spelled := "-" + strings.Join(words, "-")
	if slices.ContainsFunc(p.NeverSuffixes, func(s string) bool { return strings.HasSuffix(spelled, s) }) {
		return "", "", true
	}
	for i, w := range slices.Backward(words) {
		if strings.HasPrefix(w, "subnet") { // what follows may still mean a secret
			words, never = words[i+1:], true
			break
		}
	}
	if strong, ok := engine.FindWord(words, p.Words); ok || never {
		return strong, "", !ok
	}
	weak, _ = engine.FindWord(words, p.WeakWords)
	return "", weak, false
}

// encrypted judges a SecureString by its key.
func encrypted(v *engine.View, p *secure, x *ssm.Parameter) engine.Verdict {
	ref := x.KMSKey.Get()
	fail := func(text string) engine.Verdict { return engine.Fail(text).With("keyId", ref) }
	byAWS := func() engine.Verdict {
		if p.RequireCMK {
			return fail("the value is encrypted with the AWS managed key, which every principal of the account may use: " +
				"store it again with --overwrite and --key-id of a customer managed key").As(engine.Medium)
		}
		return engine.Pass()
	}
	if ref == "" || kms.AWSManaged(ref) {
		return byAWS()
	}
	key, exists := engine.Find[*kms.Key](v, ref)
	switch {
	case !exists && strings.Contains(ref, "alias/"): // the value names its key itself and may well be readable
		return fail("the alias " + ref + " does not exist: no new value can be stored, and the present one is readable only " +
			"if the key that the alias meant still exists. Create the alias again, or store the value with another key").As(engine.Medium)
	case !exists:
		return fail("the key " + ref + " does not exist: the value cannot be read. Store a new one with another key")
	case p.RequireCMK && key.Manager.Get() == "AWS": // named by its ID, which does not show it
		return byAWS()
	}
	if fault := key.Fault(); fault != "" {
		broken := fail("the key "+ref+" "+fault+". Until then the value cannot be read").With("keyState", key.State)
		broken.FixKey = key.ARN // all its parameters become readable at once
		return broken
	}
	return engine.Pass()
}
