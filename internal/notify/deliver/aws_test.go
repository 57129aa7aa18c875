package deliver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"awsscanner/internal/engine"
	"awsscanner/internal/notify"
)

// credentials lets the SDK ask an endpoint, and nobody else.
func credentials(t *testing.T, endpoint string) {
	t.Helper()
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "us-east-1",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull} {
		t.Setenv(name, value)
	}
}

// moto starts a server that answers as AWS does, and returns a configuration for it.
func moto(t *testing.T) aws.Config {
	t.Helper()
	if out, err := exec.Command("python3", "-c", "import moto.server, boto3").CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		t.Skipf("no moto (pip install 'moto[server]' boto3): %v: %s", err, lines[len(lines)-1])
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(address)
	var log bytes.Buffer
	c := exec.Command("python3", "-m", "moto.server", "-H", "127.0.0.1", "-p", port)
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	for i := 0; ; i++ {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			break
		}
		if i > 600 {
			t.Fatalf("moto does not begin: %v: %s", err, log.String())
		}
		time.Sleep(100 * time.Millisecond)
	}
	credentials(t, "http://"+address)
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// receive returns what is in a queue.
func receive(t *testing.T, client *sqs.Client, queue string) (all []sqstypes.Message) {
	t.Helper()
	for range 20 {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			all = append(all, m)
			if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
		if len(out.Messages) == 0 {
			break
		}
	}
	return all
}

// SNS, SQS and EventBridge take the messages, and subscribers get what the schema says. Secrets come from where they are kept, all by the role that publishes.
func TestMoto(t *testing.T) {
	cfg := moto(t)
	ctx, schema := t.Context(), compile(t)
	queues, topics, events := sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg)
	queue := func(name string) (url, arn string) {
		t.Helper()
		in := &sqs.CreateQueueInput{QueueName: &name}
		if strings.HasSuffix(name, ".fifo") {
			in.Attributes = map[string]string{"FifoQueue": "true"}
		}
		out, err := queues.CreateQueue(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		return *out.QueueUrl, "arn:aws:sqs:eu-west-1:123456789012:" + name
	}
	direct, _ := queue("direct")
	fifo, fifoARN := queue("direct.fifo")
	subscribed, subscribedARN := queue("subscribed")
	routed, routedARN := queue("routed")
	topic := func(name string, attributes map[string]string, to string) string {
		t.Helper()
		out, err := topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: &name, Attributes: attributes})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: out.TopicArn, Protocol: aws.String("sqs"), Endpoint: &to, Attributes: map[string]string{"RawMessageDelivery": "true", "FilterPolicy": `{"severity":["critical"]}`}}); err != nil {
			t.Fatal(err)
		}
		return *out.TopicArn
	}
	standard := topic("findings", nil, subscribedARN)
	ordered := topic("findings.fifo", map[string]string{"FifoTopic": "true"}, fifoARN)
	if _, err := events.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("findings"), EventPattern: aws.String(`{"source":["scanner"],"detail-type":["Scanner Findings"],"detail":{"severity":["critical"]}}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("findings"), Targets: []eventtypes.Target{{Id: aws.String("1"), Arn: &routedARN}}}); err != nil {
		t.Fatal(err)
	}

	d := deliverer(&notify.Config{Role: "arn:aws:iam::123456789012:role/scanner-publisher"})
	send := func(ch notify.Channel, m *notify.Message) {
		t.Helper()
		if err := d.Send(ctx, &ch, m); err != nil {
			t.Errorf("%s of %s: %v", m.Kind, ch.Type, err)
		}
	}
	n := 0
	for _, m := range messages() {
		send(notify.Channel{Name: "q", Type: notify.SQS, Queue: direct, Region: "eu-west-1"}, m)
		send(notify.Channel{Name: "t", Type: notify.SNS, Topic: standard}, m)
		send(notify.Channel{Name: "b", Type: notify.EventBridge, Bus: "arn:aws:events:eu-west-1:123456789012:event-bus/default"}, m)
		n++
	}
	got := receive(t, queues, direct)
	if len(got) != n {
		t.Errorf("%d messages in the queue, want %d", len(got), n)
	}
	for _, m := range got {
		valid(t, schema, []byte(*m.Body))
		if v := decode(t, []byte(*m.Body)); *m.MessageAttributes["kind"].StringValue != v["kind"] || *m.MessageAttributes["severity"].StringValue != v["severity"] {
			t.Errorf("attributes of %s: %v", v["kind"], m.MessageAttributes)
		}
	}
	critical := 0
	for _, m := range messages() {
		if m.Severity == engine.Critical {
			critical++
		}
	}
	if got = receive(t, queues, subscribed); len(got) != critical { // by the filter of the subscription
		t.Errorf("%d messages of the topic, want %d", len(got), critical)
	}
	for _, m := range got {
		valid(t, schema, []byte(*m.Body))
	}
	if got = receive(t, queues, routed); len(got) != 1 {
		t.Errorf("%d events, want 1", len(got))
	}
	for _, m := range got {
		event := decode(t, []byte(*m.Body))
		detail, _ := json.Marshal(event["detail"])
		valid(t, schema, detail)
		if event["source"] != "scanner" || event["detail-type"] != "Scanner Findings" || !strings.Contains(fmt.Sprint(event["resources"]), "arn:aws:s3:::data") {
			t.Errorf("%v", event)
		}
	}
	for range 2 { // what is sent twice is taken once
		send(notify.Channel{Name: "q", Type: notify.SQS, Queue: fifo, Region: "eu-west-1"}, message(1, notify.New, engine.Critical))
		send(notify.Channel{Name: "t", Type: notify.SNS, Topic: ordered}, message(2, notify.New, engine.Critical))
	}
	if got = receive(t, queues, fifo); len(got) != 2 {
		t.Errorf("%d messages in the ordered queue, want 2", len(got))
	}

	var rejected *notify.Rejection
	err := d.Send(ctx, &notify.Channel{Name: "q", Type: notify.SQS, Queue: direct + "-none", Region: "eu-west-1"}, notify.Test(now))
	if err == nil || errors.As(err, &rejected) || !strings.Contains(err.Error(), "NonExistentQueue") && !strings.Contains(err.Error(), "QueueDoesNotExist") {
		t.Errorf("no queue: %v", err)
	}
	err = d.Send(ctx, &notify.Channel{Name: "t", Type: notify.SNS, Topic: standard + "-none"}, notify.Test(now))
	if err == nil || errors.As(err, &rejected) || !strings.Contains(err.Error(), "NotFound") {
		t.Errorf("no topic: %v", err)
	}

	secret, err := secretsmanager.NewFromConfig(cfg).CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("hook"), SecretString: aws.String(`{"key":"sesame","n":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ssm.NewFromConfig(cfg, func(o *ssm.Options) { o.Region = "us-east-1" }).PutParameter(ctx, &ssm.PutParameterInput{Name: aws.String("/scanner/hook"), Value: aws.String("open"), Type: ssmtypes.ParameterTypeSecureString}); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]string{
		"secretsmanager:" + *secret.ARN + "#key": "sesame", "secretsmanager:" + *secret.ARN: `{"key":"sesame","n":1}`, "ssm:/scanner/hook": "open", "ssm:arn:aws:ssm:us-east-1:123456789012:parameter/scanner/hook": "open",
		"secretsmanager:" + *secret.ARN + "#n": "!it has no such field with a text", "ssm:/scanner/none": "!ParameterNotFound",
	} {
		text, err := d.secret(ctx, &notify.Channel{}, notify.Secret(where))
		if text != want && (err == nil || !strings.HasPrefix(want, "!") || !strings.Contains(err.Error(), want[1:])) {
			t.Errorf("%s is %q, %v", where, text, err)
		}
	}
}

// What SNS, SQS and EventBridge get is not larger than they take, and lists as much as there is room for.
func TestSizes(t *testing.T) {
	for _, m := range messages() {
		if n := len(envelope(m)); n > 256<<10 {
			t.Errorf("%s: %d bytes for SNS", m.Kind, n)
		}
		if n := len(encode(m)); n > 256<<10 {
			t.Errorf("%s: %d bytes", m.Kind, n)
		}
	}
	if n := len(envelope(large())); n < 100<<10 {
		t.Errorf("a large message has only %d bytes", n)
	}
}

// An opsCenter answers as OpsCenter does.
type opsCenter struct {
	*server
	items   []opsItem
	targets []string
}

type opsItem struct{ id, title, status, dedup, identity string }

func newOpsCenter(t *testing.T) *opsCenter {
	o := &opsCenter{server: newServer(t)}
	o.answer = func(w http.ResponseWriter, r *http.Request) {
		target := r.Header.Get("X-Amz-Target")
		o.targets = append(o.targets, strings.TrimPrefix(target, "AmazonSSM."))
		var in struct {
			Title, Description, Source, Severity, Category string
			OpsItemId, Status                              string
			OperationalData                                map[string]struct{ Value, Type string }
			OpsItemFilters                                 []struct {
				Key, Operator string
				Values        []string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		switch target {
		case "AmazonSSM.CreateOpsItem":
			if len(in.Title) > 1024 || len([]rune(in.Description)) > 2048 || in.Source != "scanner" || !slices.Contains([]string{"1", "2", "3", "4"}, in.Severity) || in.OperationalData["/aws/dedup"].Type != "SearchableString" {
				t.Errorf("%+v", in)
			}
			for _, x := range o.items {
				if x.status == "Open" && x.dedup == in.OperationalData["/aws/dedup"].Value {
					w.WriteHeader(400)
					fmt.Fprintf(w, `{"__type":"OpsItemAlreadyExistsException","Message":"it is there","OpsItemId":%q}`, x.id)
					return
				}
			}
			x := opsItem{fmt.Sprintf("oi-%d", len(o.items)), in.Title, "Open", in.OperationalData["/aws/dedup"].Value, in.OperationalData["scanner-identity"].Value}
			o.items = append(o.items, x)
			fmt.Fprintf(w, `{"OpsItemId":%q}`, x.id)
		case "AmazonSSM.DescribeOpsItems":
			var found []string
			for _, x := range o.items {
				data, _ := json.Marshal(map[string]string{"key": "scanner-identity", "value": x.identity})
				if len(in.OpsItemFilters) == 2 && in.OpsItemFilters[0].Key == "OperationalData" && in.OpsItemFilters[0].Values[0] == string(data) && slices.Contains(in.OpsItemFilters[1].Values, x.status) {
					found = append(found, fmt.Sprintf(`{"OpsItemId":%q}`, x.id))
				}
			}
			fmt.Fprintf(w, `{"OpsItemSummaries":[%s]}`, strings.Join(found, ","))
		case "AmazonSSM.UpdateOpsItem":
			for i := range o.items {
				if o.items[i].id == in.OpsItemId {
					o.items[i].status = in.Status
				}
			}
			fmt.Fprint(w, "{}")
		default:
			t.Errorf("%s is called", target)
		}
	}
	return o
}

// An OpsItem for each finding, once while it is open; resolved when the finding is fixed.
func TestOpsCenter(t *testing.T) {
	o := newOpsCenter(t)
	credentials(t, o.URL)
	d := deliverer(&notify.Config{Role: notify.Current})
	ch := &notify.Channel{Name: "ops", Type: notify.OpsCenter, Region: "eu-west-1"}
	send := func(m *notify.Message) {
		t.Helper()
		if err := d.Send(t.Context(), ch, m); err != nil {
			t.Fatal(err)
		}
	}
	send(message(1, notify.New, engine.Critical))
	send(message(1, notify.Escalated, engine.Critical))
	if len(o.items) != 1 || o.items[0].status != "Open" || !strings.HasPrefix(o.items[0].title, "[critical] new: Buckets are <closed>") || o.items[0].dedup != fmt.Sprintf(`{"dedupString":"scanner-%032x"}`, 0) {
		t.Errorf("%+v", o.items)
	}
	send(message(1, notify.Fixed, engine.Critical))
	send(message(1, notify.Fixed, engine.Critical))
	if o.items[0].status != "Resolved" || len(o.items) != 1 {
		t.Errorf("%+v", o.items)
	}
	send(message(1, notify.Regressed, engine.High))
	send(notify.Test(now))
	if len(o.items) != 3 || o.items[1].status != "Open" || o.items[2].status != "Resolved" {
		t.Errorf("%+v", o.items)
	}
	for _, r := range o.got {
		if !strings.Contains(r.header.Get("User-Agent"), "scanner/1.2.3") {
			t.Errorf("user agent %s", r.header.Get("User-Agent"))
		}
	}
	for _, c := range []struct {
		answer   string
		code     int
		rejected bool
	}{
		{`{"__type":"AccessDeniedException","Message":"no"}`, 400, false}, {`{"__type":"OpsItemInvalidParameterException","Message":"no"}`, 400, true}, {`{"__type":"OpsItemLimitExceededException","Message":"no"}`, 400, false},
	} {
		o.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(c.code)
			fmt.Fprint(w, c.answer)
		}
		var rejected *notify.Rejection
		if err := d.Send(t.Context(), ch, message(1, notify.New, engine.Critical)); err == nil || errors.As(err, &rejected) != c.rejected {
			t.Errorf("%s: %v", c.answer, err)
		}
	}
}
