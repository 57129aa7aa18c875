// Package lambda holds the resources of AWS Lambda.
package lambda

import (
	"strings"
	"time"

	"awsscanner/internal/model"
)

// A Function is a Lambda function as it is before it is published: its version $LATEST. Its ID is its name.
type Function struct {
	model.Meta       `call:"lambda:ListFunctions"`
	PackageType      model.Attr[string]            `json:"packageType,omitzero"      call:"lambda:ListFunctions"` // Zip or Image
	Runtime          model.Attr[string]            `json:"runtime,omitzero"          call:"lambda:ListFunctions"` // python3.14; "" if it is an image
	Architectures    model.Attr[[]string]          `json:"architectures,omitzero"    call:"lambda:ListFunctions"` // x86_64 or arm64
	Role             model.Attr[string]            `json:"role,omitzero"             call:"lambda:ListFunctions"` // ARN of the execution role
	Modified         model.Attr[time.Time]         `json:"modified,omitzero"         call:"lambda:ListFunctions"` // code or configuration
	TimeoutSeconds   model.Attr[int]               `json:"timeoutSeconds,omitzero"   call:"lambda:ListFunctions"` // for one invocation
	MemoryMiB        model.Attr[int]               `json:"memoryMiB,omitzero"        call:"lambda:ListFunctions"`
	Variables        model.Attr[[]string]          `json:"variables,omitzero"        call:"lambda:ListFunctions"`                     // names of environment variables; never their values
	KMSKey           model.Attr[string]            `json:"kmsKey,omitzero"           call:"lambda:ListFunctions" ref:"AWS::KMS::Key"` // for the variables; "" if it is that of AWS
	Layers           model.Attr[[]string]          `json:"layers,omitzero"           call:"lambda:ListFunctions"`                     // ARNs of layer versions
	Tracing          model.Attr[string]            `json:"tracing,omitzero"          call:"lambda:ListFunctions"`                     // Active or PassThrough
	DeadLetterTarget model.Attr[string]            `json:"deadLetterTarget,omitzero" call:"lambda:ListFunctions"`                     // ARN of a queue or topic; "" if none
	VPC              model.Attr[string]            `json:"vpc,omitzero"              call:"lambda:ListFunctions"`                     // "" if none
	Subnets          model.Attr[[]string]          `json:"subnets,omitzero"          call:"lambda:ListFunctions"`
	SecurityGroups   model.Attr[[]string]          `json:"securityGroups,omitzero"   call:"lambda:ListFunctions"`
	LogFormat        model.Attr[string]            `json:"logFormat,omitzero"        call:"lambda:ListFunctions"` // JSON or Text
	ApplicationLevel model.Attr[string]            `json:"applicationLevel,omitzero" call:"lambda:ListFunctions"` // of logs: INFO, ...; "" unless the format is JSON
	SystemLevel      model.Attr[string]            `json:"systemLevel,omitzero"      call:"lambda:ListFunctions"` // likewise
	LogGroup         model.Attr[string]            `json:"logGroup,omitzero"         call:"lambda:ListFunctions"` // name
	SnapStart        model.Attr[string]            `json:"snapStart,omitzero"        call:"lambda:ListFunctions"` // PublishedVersions or None
	Master           model.Attr[string]            `json:"master,omitzero"           call:"lambda:ListFunctions"` // ARN of the function that Lambda@Edge has replicated; "" if it is no replica
	Policy           model.Attr[string]            `json:"policy,omitzero"           call:"lambda:GetPolicy"`     // JSON; "" if none
	Aliases          model.Attr[[]Alias]           `json:"aliases,omitzero"          call:"lambda:ListAliases"`
	AliasPolicies    model.Attr[[]Policy]          `json:"aliasPolicies,omitzero"    call:"lambda:GetPolicy#aliases"`      // one for each alias, if there are any
	Versions         model.Attr[[]Version]         `json:"versions,omitzero"         call:"lambda:ListVersionsByFunction"` // that are published
	VersionPolicies  model.Attr[[]Policy]          `json:"versionPolicies,omitzero"  call:"lambda:GetPolicy#versions"`     // one for each version, if there are any
	URLs             model.Attr[[]URL]             `json:"urls,omitzero"             call:"lambda:ListFunctionUrlConfigs"`
	EventConfigs     model.Attr[[]EventConfig]     `json:"eventConfigs,omitzero"     call:"lambda:ListFunctionEventInvokeConfigs"` // for asynchronous invocation
	Tags             model.Attr[map[string]string] `json:"tags,omitzero" call:"resourcegroupstaggingapi:GetResources"`
}

// An Alias leads to a version, or to two of which each takes a share.
type Alias struct {
	Name     string   `json:"name"`
	Versions []string `json:"versions,omitempty"`
}

// A Policy is the resource policy of an alias or a version.
type Policy struct {
	Qualifier string `json:"qualifier"` // name of the alias, or number of the version
	Text      string `json:"text"`      // JSON; "" if none
}

// A Version is a copy of a function that never changes.
type Version struct {
	Number           string `json:"number"`
	Runtime          string `json:"runtime"`
	DeadLetterTarget string `json:"deadLetterTarget"` // "" if none
}

// A URL is an endpoint of a function or an alias on the internet.
type URL struct {
	Qualifier   string   `json:"qualifier"` // name of the alias; "" if it leads to the function
	URL         string   `json:"url"`
	AuthType    string   `json:"authType"` // AWS_IAM or NONE
	Origins     []string `json:"origins,omitempty"`
	Credentials bool     `json:"credentials"` // browsers may send cookies
}

// An EventConfig is what becomes of events for asynchronous invocation.
type EventConfig struct {
	Qualifier string `json:"qualifier"` // of an alias or a version; "" if it is that of the function
	OnFailure string `json:"onFailure"` // ARN of a destination; "" if none
}

func (*Function) Kind() model.Kind { return "AWS::Lambda::Function" }

// Latest is the version that is not published.
const Latest = "$LATEST"

// Qualifier returns what follows the name in the ARN of a function: an alias or the number of a version. It is "" if
// nothing does, or $LATEST.
func Qualifier(arn string) string {
	parts := strings.SplitN(arn, ":", 8)
	if len(parts) < 8 || parts[7] == Latest {
		return ""
	}
	return parts[7]
}
