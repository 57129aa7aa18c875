package deliver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/notify"
)

// aws returns a configuration with the credentials that publish: those of the role, or of the process where the configuration says so.
func (d *Deliverer) aws(ctx context.Context, ch *notify.Channel, region string) (aws.Config, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.base == nil {
		base, err := config.LoadDefaultConfig(ctx, config.WithAPIOptions([]func(*middleware.Stack) error{awsmiddleware.AddUserAgentKeyValue("scanner", d.Version)}))
		if err != nil {
			return aws.Config{}, fmt.Errorf("loading the AWS configuration: %w", err)
		}
		d.base, d.roles = &base, map[string]aws.CredentialsProvider{}
	}
	cfg := d.base.Copy()
	cfg.Region = cmp.Or(region, cfg.Region)
	role := cmp.Or(ch.Role, d.Config.Role, notify.Current)
	if role == notify.Current {
		return cfg, nil
	}
	external := cmp.Or(ch.ExternalID, d.Config.ExternalID)
	key := strings.Join([]string{role, external, cfg.Region}, " ")
	if d.roles[key] == nil {
		d.roles[key] = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "scanner-publish"
			if external != "" {
				o.ExternalID = &external
			}
		}))
	}
	cfg.Credentials = d.roles[key]
	return cfg, nil
}

// rejected are the codes by which services say that a message will never be taken.
var rejected = []string{"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException", "ValidationError", "InvalidMessageContents", "UnsupportedOperation",
	"AWS.SimpleQueueService.UnsupportedOperation", "MalformedDetail", "InvalidArgument", "OpsItemInvalidParameterException"}

// explain says of an error of AWS its code and message, without request IDs, and whether a message will never be taken.
func explain(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("AWS cannot be asked: %w", err)
	}
	return refused(api.ErrorCode(), api.ErrorMessage())
}

func refused(code, message string) error {
	text := fmt.Sprintf("%s: %s", code, notify.Line(message, 300))
	if slices.Contains(rejected, code) {
		return &notify.Rejection{Why: text}
	}
	return errors.New(text)
}

// mostBytes is what SNS, SQS and EventBridge take, with a margin for attributes. Source: their quotas, 256 kB.
const mostBytes = 250 << 10

// attributes are what subscriptions filter by.
func attributes(m *notify.Message) map[string]string {
	all := map[string]string{"kind": string(m.Kind), "severity": m.Severity.String(), "stream": notify.Line(m.Stream, 200), "account": m.Account}
	if m.Rule != nil {
		all["rule"] = m.Rule.ID
	}
	if len(m.Findings) > 0 {
		all["event"], all["owner"] = string(m.Findings[0].Event), m.Findings[0].Owner
	}
	if m.Digest != nil {
		all["owner"] = m.Digest.Owner
	}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all
}

// sns publishes a message: JSON for programs, text for subscriptions by e-mail and phone.
func (d *Deliverer) sns(ctx context.Context, ch *notify.Channel, m *notify.Message) error {
	topic, _ := model.ParseARN(ch.Topic)
	cfg, err := d.aws(ctx, ch, topic.Region)
	if err != nil {
		return err
	}
	in := &sns.PublishInput{TopicArn: &ch.Topic, Message: aws.String(string(envelope(m))), MessageStructure: aws.String("json"), Subject: aws.String(ascii(subject(m, 99))),
		MessageAttributes: map[string]snstypes.MessageAttributeValue{}}
	for name, value := range attributes(m) {
		in.MessageAttributes[name] = snstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	if strings.HasSuffix(ch.Topic, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = aws.String("scanner"), &m.ID
	}
	if _, err := sns.NewFromConfig(cfg).Publish(ctx, in); err != nil {
		return explain(err)
	}
	return nil
}

// envelope holds a message for subscriptions of each sort.
func envelope(m *notify.Message) []byte {
	all := func(m *notify.Message) []byte {
		return encode(map[string]string{"default": string(encode(m)), "email": m.Text().Plain(), "sms": subject(m, 140)})
	}
	small := *m
	small.Shrink(mostBytes, func(m *notify.Message) int { return len(all(m)) })
	return all(&small)
}

// ascii replaces what a subject of SNS may not hold.
func ascii(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

// sqs sends the message itself.
func (d *Deliverer) sqs(ctx context.Context, ch *notify.Channel, m *notify.Message) error {
	cfg, err := d.aws(ctx, ch, ch.QueueRegion())
	if err != nil {
		return err
	}
	in := &sqs.SendMessageInput{QueueUrl: &ch.Queue, MessageBody: aws.String(string(encode(m))), MessageAttributes: map[string]sqstypes.MessageAttributeValue{}}
	for name, value := range attributes(m) {
		in.MessageAttributes[name] = sqstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	if strings.HasSuffix(ch.Queue, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = aws.String("scanner"), &m.ID
	}
	if _, err := sqs.NewFromConfig(cfg).SendMessage(ctx, in); err != nil {
		return explain(err)
	}
	return nil
}

// detailTypes are what rules of EventBridge match.
var detailTypes = map[notify.Kind]string{notify.OfFindings: "Scanner Findings", notify.OfFirstScan: "Scanner First Scan", notify.OfNewlyAssessed: "Scanner Newly Assessed", notify.OfStorm: "Scanner Storm",
	notify.OfDigest: "Scanner Digest", notify.OfTest: "Scanner Test"}

// eventBridge puts the message as the detail of an event.
func (d *Deliverer) eventBridge(ctx context.Context, ch *notify.Channel, m *notify.Message) error {
	bus, _ := model.ParseARN(ch.Bus)
	cfg, err := d.aws(ctx, ch, bus.Region)
	if err != nil {
		return err
	}
	entry := eventtypes.PutEventsRequestEntry{Source: aws.String("scanner"), DetailType: aws.String(detailTypes[m.Kind]), Detail: aws.String(string(encode(m))), EventBusName: &ch.Bus, Time: &m.Created}
	for i := range m.Findings {
		if arn := m.Findings[i].Resource.ARN; arn != "" {
			entry.Resources = append(entry.Resources, arn)
		}
	}
	out, err := eventbridge.NewFromConfig(cfg).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventtypes.PutEventsRequestEntry{entry}})
	if err != nil {
		return explain(err)
	}
	for _, e := range out.Entries {
		if e.ErrorCode != nil {
			return refused(*e.ErrorCode, aws.ToString(e.ErrorMessage))
		}
	}
	return nil
}

// Severities and categories of OpsCenter.
var (
	opsSeverities = map[engine.Severity]string{engine.Critical: "1", engine.High: "2", engine.Medium: "3", engine.Low: "4", engine.Informational: "4"}
	opsCategories = map[engine.Pillar]string{engine.Security: "Security", engine.Reliability: "Availability", engine.CostOptimization: "Cost", engine.PerformanceEfficiency: "Performance"}
)

// Operational data of an OpsItem: the first makes OpsCenter take each finding once while its OpsItem is open, the second finds that again.
const (
	opsDedup    = "/aws/dedup"
	opsIdentity = "scanner-identity"
)

// opsCenter makes an OpsItem of a finding that has become worse, and resolves it when that is over.
func (d *Deliverer) opsCenter(ctx context.Context, ch *notify.Channel, m *notify.Message) error {
	cfg, err := d.aws(ctx, ch, ch.Region)
	if err != nil {
		return err
	}
	client := ssm.NewFromConfig(cfg)
	key := m.ID
	if m.Kind == notify.OfFindings && len(m.Findings) > 0 {
		key = m.Findings[0].Identity
		if m.Findings[0].Event.Over() {
			return resolveOpsItems(ctx, client, key)
		}
	}
	t := m.Text()
	searchable := func(text string) ssmtypes.OpsItemDataValue {
		return ssmtypes.OpsItemDataValue{Type: ssmtypes.OpsItemDataTypeSearchableString, Value: &text}
	}
	dedup, err := json.Marshal(map[string]string{"dedupString": "scanner-" + key})
	if err != nil {
		return err
	}
	in := &ssm.CreateOpsItemInput{Title: aws.String(subject(m, 1000)), Description: aws.String(shorten(t.Plain(), 2000)), Source: aws.String("scanner"), Severity: aws.String(opsSeverities[m.Severity]),
		OperationalData: map[string]ssmtypes.OpsItemDataValue{opsDedup: searchable(string(dedup)), opsIdentity: searchable(key)}}
	if m.Rule != nil {
		in.OperationalData["scanner-rule"] = searchable(m.Rule.ID)
		for _, p := range m.Rule.Pillars {
			if category := opsCategories[p]; category != "" && in.Category == nil {
				in.Category = &category
			}
		}
	}
	if len(m.Findings) > 0 {
		in.OperationalData["scanner-resource"] = searchable(cmp.Or(m.Findings[0].Resource.ARN, m.Findings[0].Resource.ID))
	}
	_, err = client.CreateOpsItem(ctx, in)
	var there *ssmtypes.OpsItemAlreadyExistsException
	if err != nil && !errors.As(err, &there) {
		return explain(err)
	}
	if m.Kind == notify.OfTest { // nobody needs to act
		return resolveOpsItems(ctx, client, key)
	}
	return nil
}

// resolveOpsItems resolves what is open of a finding.
func resolveOpsItems(ctx context.Context, client *ssm.Client, identity string) error {
	what, err := json.Marshal(map[string]string{"key": opsIdentity, "value": identity})
	if err != nil {
		return err
	}
	pages := ssm.NewDescribeOpsItemsPaginator(client, &ssm.DescribeOpsItemsInput{OpsItemFilters: []ssmtypes.OpsItemFilter{
		{Key: ssmtypes.OpsItemFilterKeyOperationalData, Operator: ssmtypes.OpsItemFilterOperatorEqual, Values: []string{string(what)}},
		{Key: ssmtypes.OpsItemFilterKeyStatus, Operator: ssmtypes.OpsItemFilterOperatorEqual, Values: []string{string(ssmtypes.OpsItemStatusOpen), string(ssmtypes.OpsItemStatusInProgress)}},
	}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return explain(err)
		}
		for _, item := range page.OpsItemSummaries {
			if _, err := client.UpdateOpsItem(ctx, &ssm.UpdateOpsItemInput{OpsItemId: item.OpsItemId, Status: ssmtypes.OpsItemStatusResolved}); err != nil {
				return explain(err)
			}
		}
	}
	return nil
}

// shorten cuts a text of several lines.
func shorten(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}
