package oracle_test

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/mail"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// watchedRules are those that the account of TestWatch is held against.
const watchedRules = "s3-bucket-no-public-read, sqs-queue-not-public, sqs-dlq-empty, ec2-sg-no-admin-ports-from-internet"

// An account changes while scanner serve watches it. After each change there are exactly the events that it should make, and the receivers
// hear of each what documents promise: whoever is killed, and whoever does not answer for a while.
func TestWatch(t *testing.T) {
	if !wanted(t) {
		return
	}
	w := begin(t)
	const virginia, frankfurt = "us-east-1", "eu-central-1"
	s3 := func(operation string, parameters object) { w.aws(virginia, "s3", operation, parameters) }
	queue := func(region, name string, attributes object) {
		w.aws(region, "sqs", "create_queue", object{"QueueName": name, "Attributes": attributes})
	}
	open := func(region, name string) {
		w.aws(region, "sqs", "set_queue_attributes", object{"QueueUrl": w.queueURL(name), "Attributes": object{"Policy": anybody("sqs:SendMessage", queueARN(region, name))}})
	}
	expose := func(bucket string) {
		s3("put_bucket_policy", object{"Bucket": bucket, "Policy": anybody("s3:GetObject", "arn:aws:s3:::"+bucket+"/*")})
	}
	hide := func(bucket string) { s3("delete_bucket_policy", object{"Bucket": bucket}) }

	for _, bucket := range []string{"shop", "docs"} {
		s3("create_bucket", object{"Bucket": bucket})
	}
	queue(virginia, "inbox", nil)
	queue(virginia, "jobs-dlq", nil)
	queue(virginia, "jobs", object{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"5"}`, queueARN(virginia, "jobs-dlq"))})
	queue(frankfurt, "orders", nil)
	open(frankfurt, "orders")
	group, _ := w.aws(virginia, "ec2", "create_security_group", object{"GroupName": "bastion", "Description": "bastion"})["GroupId"].(string)

	w.serve()
	w.scan("what is there at first", step{told: []string{"first-scan: sqs-queue-not-public"}, open: []string{"orders"}})

	// Killed while it sends: the receiver gets the same message again, once the lease of who was killed is over. Until then others are told.
	w.hook.hang()
	expose("shop")
	open(virginia, "inbox")
	w.changed = map[string]time.Time{"PutBucketPolicy": time.Now()}
	w.scan("a bucket and a queue are open", step{
		events: []string{"new critical shop", "new critical inbox"},
		told:   []string{"new shop", "new inbox"},
		open:   []string{"orders", "shop", "inbox"},
	})
	w.until("a message that is on its way", w.hook.hanging)
	w.unsure = w.steps[len(w.steps)-1].scan
	w.kill()
	w.hook.goOn()
	w.serve()
	w.scan("nothing has changed", step{open: []string{"orders", "shop", "inbox"}})

	hide("shop")
	w.scan("the bucket is mended", step{events: []string{"fixed critical shop"}, open: []string{"orders", "inbox"}})

	// Killed while it reads, and started again: it is the same scan, and finds the same.
	expose("shop")
	w.spoil(map[string]fault{"sqs:GetQueueAttributes " + frankfurt: hung})
	id := w.order()
	w.until("a call that hangs", func() bool { return w.asked("sqs:GetQueueAttributes "+frankfurt) > 0 })
	w.kill()
	w.spoil(nil)
	w.serve()
	w.follow(id, "the bucket is open again, and the service was killed", step{
		events: []string{"regressed critical shop"}, told: []string{"regressed shop"}, open: []string{"orders", "shop", "inbox"},
	})

	// What nobody may see is neither fixed nor new, and who does not answer hears of it later.
	w.teams.fail(http.StatusInternalServerError, 2)
	w.mail.fail(2)
	hide("shop")
	expose("docs")
	w.aws(virginia, "sqs", "set_queue_attributes", object{"QueueUrl": w.queueURL("inbox"), "Attributes": object{"Policy": ""}})
	w.spoil(map[string]fault{"s3:GetBucketPolicy " + virginia: denied})
	w.scan("policies of buckets may not be read", step{
		events: []string{"fixed critical inbox", "no-longer-assessed critical shop"}, open: []string{"orders", "shop"},
	})
	w.scan("nor now", step{open: []string{"orders", "shop"}})
	w.spoil(nil)
	w.scan("they may be read again", step{
		events: []string{"fixed critical shop", "newly-assessed critical docs"}, told: []string{"newly-assessed: s3-bucket-no-public-read"}, open: []string{"orders", "docs"},
	})

	w.aws(virginia, "ec2", "authorize_security_group_ingress", object{"GroupId": group, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"})
	w.scan("a group opens SSH", step{events: []string{"new medium bastion"}, told: []string{"new bastion"}, open: []string{"orders", "docs", "bastion"}})

	subnets, _ := w.aws(virginia, "ec2", "describe_subnets", nil)["Subnets"].([]any)
	subnet, _ := subnets[0].(object)["SubnetId"].(string)
	w.aws(virginia, "ec2", "create_network_interface", object{"SubnetId": subnet, "Groups": []string{group}})
	w.scan("an interface gets the group", step{events: []string{"escalated high bastion, was medium"}, told: []string{"escalated bastion"}, open: []string{"orders", "docs", "bastion"}})

	// A region that is not read any more; a rule that comes and goes.
	w.settings.regions = virginia
	w.aws(virginia, "sqs", "send_message", object{"QueueUrl": w.queueURL("jobs-dlq"), "MessageBody": "lost"})
	w.scan("a region is left out, and a message is lost", step{
		events: []string{"no-longer-assessed critical orders", "new medium jobs-dlq"}, open: []string{"orders", "docs", "bastion", "jobs-dlq"},
	})
	w.settings.regions = virginia + ", " + frankfurt
	w.scan("the region is back, and the message still there", step{
		events: []string{"assessed-again critical orders"}, told: []string{"new jobs-dlq"}, open: []string{"orders", "docs", "bastion", "jobs-dlq"},
	})

	w.settings.waived = "docs"
	w.scan("the other bucket is accepted", step{events: []string{"waived critical docs"}, open: []string{"orders", "docs", "bastion", "jobs-dlq"}})
	w.breakSettings()
	s3("delete_bucket", object{"Bucket": "shop"})
	w.settings.waived = ""
	w.scan("it is accepted no more", step{events: []string{"waiver-ended critical docs"}, told: []string{"waiver-ended docs"}, open: []string{"orders", "docs", "bastion", "jobs-dlq"}})
	s3("delete_bucket", object{"Bucket": "docs"})
	w.aws(virginia, "sqs", "purge_queue", object{"QueueUrl": w.queueURL("jobs-dlq")})
	w.scan("it is deleted", step{events: []string{"fixed critical docs", "fixed medium jobs-dlq"}, open: []string{"orders", "bastion"}})
	w.scan("nothing has changed in the end", step{open: []string{"orders", "bastion"}})

	w.compareMessages()
	w.compareHistory("shop", "new", "fixed", "regressed", "no-longer-assessed", "fixed")
	w.compareHistory("orders", "no-longer-assessed", "assessed-again")
	w.compareTrend()
}

type object = map[string]any

func queueARN(region, name string) string {
	return "arn:aws:sqs:" + region + ":" + accountID + ":" + name
}

// anybody is a policy that lets everybody do something.
func anybody(action, resource string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":%q,"Resource":%q}]}`, action, resource)
}

// A step is what a scan has to find, and what is told of it.
type step struct {
	events []string
	told   []string // where nobody has asked for more
	open   []string
}

// A watch is a service, the account that it watches, and whom it tells.
type watch struct {
	*testing.T
	account *oracle // of which it only uses the conversation
	begun   time.Time
	binary  string
	dir     string
	proxy   *httptest.Server
	listen  string
	service *exec.Cmd
	gone    chan struct{} // closed when it has ended
	log     *syncTail

	settings struct{ regions, waived string }
	hook     *receiver // gets everything
	chat     *receiver
	teams    *receiver
	pager    *receiver
	mail     *mailbox
	streams  map[string]string // queues that get what SNS, SQS and EventBridge do, by channel
	steps    []told
	unsure   string               // scan whose messages were on their way when the service was killed: they may come twice
	changed  map[string]time.Time // calls that CloudTrail tells of

	mu     sync.Mutex
	faults map[string]fault
	calls  map[string]int
}

// A told is a step that was taken.
type told struct {
	step
	name, scan string
}

// A syncTail is a tail that is read while it is written.
type syncTail struct {
	mu sync.Mutex
	tail
}

func (l *syncTail) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tail.Write(b)
}

func (l *syncTail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.tail)
}

const hookSecret = "a-secret-of-the-hook"

func begin(t *testing.T) *watch {
	t.Helper()
	w := &watch{T: t, begun: time.Now(), binary: build(t), dir: t.TempDir(), account: &oracle{}, calls: map[string]int{}, hook: newReceiver(t), chat: newReceiver(t), teams: newReceiver(t), pager: newReceiver(t), mail: newMailbox(t),
		log: &syncTail{}}
	w.account.start(t, "account/changing.py")
	target, err := url.Parse(w.account.url)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{spoiler: w.between}
	p.upstream = httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}}
	w.proxy = httptest.NewServer(p)
	t.Cleanup(w.proxy.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.listen = l.Addr().String()
	l.Close()
	w.settings.regions = "us-east-1, eu-central-1"
	const elsewhere = "ap-southeast-2"
	w.streams = map[string]string{}
	for _, name := range []string{"sqs", "sns", "eventbridge"} {
		w.streams[name] = "told-by-" + name
		w.aws(elsewhere, "sqs", "create_queue", object{"QueueName": w.streams[name]})
	}
	w.aws(elsewhere, "sns", "create_topic", object{"Name": "findings"})
	w.aws(elsewhere, "sns", "subscribe", object{"TopicArn": "arn:aws:sns:" + elsewhere + ":" + accountID + ":findings", "Protocol": "sqs", "Endpoint": queueARN(elsewhere, w.streams["sns"]), "Attributes": object{"RawMessageDelivery": "true"}})
	w.aws(elsewhere, "events", "put_rule", object{"Name": "findings", "EventPattern": `{"source":["scanner"]}`})
	w.aws(elsewhere, "events", "put_targets", object{"Rule": "findings", "Targets": []object{{"Id": "1", "Arn": queueARN(elsewhere, w.streams["eventbridge"])}}})
	t.Cleanup(func() {
		if w.service != nil {
			w.kill()
		}
		if t.Failed() {
			t.Logf("log of the service:\n%s", w.log)
		}
	})
	return w
}

// aws makes a call to the account, past everything that is in between.
func (w *watch) aws(region, service, operation string, parameters object) object {
	w.Helper()
	if parameters == nil {
		parameters = object{}
	}
	for key, value := range parameters {
		if m, ok := value.(object); ok && m == nil {
			delete(parameters, key)
		}
	}
	line, err := json.Marshal([]any{service, region, operation, parameters})
	if err != nil {
		w.Fatal(err)
	}
	fmt.Fprintf(w.account.stdin, "%s\n", line)
	var answer object
	if err := json.Unmarshal([]byte(w.account.answer(w.T, "done ")), &answer); err != nil {
		w.Fatalf("%s %s: %v", service, operation, err)
	}
	return answer
}

func (w *watch) queueURL(name string) string { return w.account.url + "/" + accountID + "/" + name }

// between is what happens to calls on their way to the account.
func (w *watch) between(c call) fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := c.op + " " + c.region
	w.calls[key]++
	if c.op == "cloudtrail:LookupEvents" {
		return w.lookUp(c)
	}
	return w.faults[key]
}

// lookUp answers as CloudTrail does, of whose lookup moto knows nothing.
func (w *watch) lookUp(c call) fault {
	for name, at := range w.changed {
		if strings.Contains(c.params, name) && strings.Contains(c.region, "us-east-1") {
			record, _ := json.Marshal(`{"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::` + accountID + `:assumed-role/deploy/jane@example.com","accountId":"` + accountID + `","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::` +
				accountID + `:role/deploy"}}},"requestParameters":{"bucketName":"shop"},"recipientAccountId":"` + accountID + `"}`)
			return fault(fmt.Sprintf(`{"Events":[{"EventId":"e-1","EventName":%q,"ReadOnly":"false","EventTime":%d,"EventSource":"s3.amazonaws.com","Username":"jane@example.com","CloudTrailEvent":%s}]}`, name, at.Unix(), record))
		}
	}
	return `{"Events":[]}`
}

// spoil says what goes wrong from now on, by operation and region.
func (w *watch) spoil(faults map[string]fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = faults
	clear(w.calls)
}

func (w *watch) asked(key string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[key]
}

// until waits for something that takes seconds.
func (w *watch) until(what string, is func() bool) {
	w.Helper()
	for begin := time.Now(); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > 2*time.Minute {
			w.Fatalf("there is nothing of this within two minutes: %s", what)
		}
		select {
		case <-w.gone:
			w.Fatalf("the service has ended while it was awaited: %s", what)
		default:
		}
	}
}

// writeSettings writes what the service has to go by.
func (w *watch) writeSettings() {
	w.Helper()
	waivers := "[]\n"
	if w.settings.waived != "" {
		waivers = fmt.Sprintf("- {resource: %q, reason: a test, owner: shop, expires: %q, ticket: T-1}\n", w.settings.waived, time.Now().AddDate(0, 1, 0).Format(time.DateOnly))
	}
	host, port, _ := net.SplitHostPort(w.mail.address)
	w.write("waivers.yaml", waivers)
	w.write("scanner.yaml", `rules: [`+watchedRules+`]
regions: [`+w.settings.regions+`]
waivers: waivers.yaml
pipelines: [deploy]
schedules:
- {name: all, cron: "0 0 1 1 *"}
notifications:
  role: current
  link: https://scanner.example.com
  channels:
  - {name: hook, type: webhook, url: "`+w.hook.URL+`", secret: "env:HOOK_SECRET", rate: 1000}
  - {name: chat, type: slack, url: "env:CHAT", rate: 1000}
  - {name: teams, type: teams, url: "env:TEAMS", rate: 1000}
  - {name: pager, type: pagerduty, key: "env:PAGER_KEY", url: "`+w.pager.URL+`", rate: 1000}
  - {name: mail, type: email, host: "`+host+`", port: `+port+`, tls: none, from: scanner@example.com, to: [shop@example.com, security@example.com], rate: 1000}
  - {name: sqs, type: sqs, queue: "https://sqs.ap-southeast-2.amazonaws.com/`+accountID+`/told-by-sqs", rate: 1000}
  - {name: sns, type: sns, topic: "arn:aws:sns:ap-southeast-2:`+accountID+`:findings", rate: 1000}
  - {name: eventbridge, type: eventbridge, bus: "arn:aws:events:ap-southeast-2:`+accountID+`:event-bus/default", rate: 1000}
  routes:
  - {channels: hook, events: [new, regressed, escalated, waiver-ended, fixed, newly-assessed, first-scan, no-longer-assessed, assessed-again, waived], continue: true}
  - {channels: [chat, teams, pager, mail, sqs, sns, eventbridge]}
`)
}

func (w *watch) write(name, text string) {
	w.Helper()
	name = filepath.Join(w.dir, name)
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		w.Fatal(err)
	}
}

// command is the binary with the credentials and secrets of the service.
func (w *watch) command(args ...string) *exec.Cmd {
	c := exec.Command(w.binary, args...)
	c.Dir = w.dir
	c.Env = []string{"HOME=" + w.dir, "XDG_STATE_HOME=" + w.dir, "AWS_ENDPOINT_URL=" + w.proxy.URL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIAORACLEORACLEORAC", "AWS_SECRET_ACCESS_KEY=x",
		"AWS_EC2_METADATA_DISABLED=true", "HOOK_SECRET=" + hookSecret, "CHAT=" + w.chat.URL, "TEAMS=" + w.teams.URL, "PAGER_KEY=a-key-of-the-pager", "NO_PROXY=127.0.0.1"}
	return c
}

// serve starts the service and waits until it is ready.
func (w *watch) serve() {
	w.Helper()
	w.writeSettings()
	c := w.command("serve", "--data", "store", "--listen", w.listen)
	c.Stderr = w.log
	if err := c.Start(); err != nil {
		w.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { c.Wait(); close(gone) }()
	w.service, w.gone = c, gone
	w.until("an answer of the service", func() bool {
		answer, err := http.Get("http://" + w.listen + "/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// kill ends the service as the kernel does, without a word to it.
func (w *watch) kill() {
	w.service.Process.Kill()
	<-w.gone
	w.service = nil
}

// get asks the API.
func (w *watch) get(path string, into any) {
	w.Helper()
	answer, err := http.Get("http://" + w.listen + path)
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal(text, into) != nil {
		w.Fatalf("GET %s: %s, %v: %s", path, answer.Status, err, text)
	}
}

// post asks the API for a scan.
func (w *watch) post() (id string, status int, text string) {
	w.Helper()
	answer, err := http.Post("http://"+w.listen+"/api/v1/scans", "application/json", strings.NewReader(`{"stream":"all"}`))
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.Fatal(err)
	}
	var said struct{ ID string }
	json.Unmarshal(body, &said)
	return said.ID, answer.StatusCode, string(body)
}

func (w *watch) order() string {
	w.Helper()
	id, status, text := w.post()
	if status != http.StatusAccepted {
		w.Fatalf("a scan cannot begin: %d %s", status, text)
	}
	return id
}

func (w *watch) scan(name string, want step) {
	w.Helper()
	w.writeSettings()
	w.follow(w.order(), name, want)
}

// follow waits for a scan and compares what the API says of it.
func (w *watch) follow(id, name string, want step) {
	w.Helper()
	var x struct{ State, Failure string }
	w.until(name, func() bool {
		w.get("/api/v1/scans/"+id, &x)
		return x.State == "done" || x.State == "failed" || x.State == "cancelled"
	})
	if x.State != "done" {
		w.Fatalf("%s: the scan is %s: %s", name, x.State, x.Failure)
	}
	var events struct {
		Items []struct{ Type, Severity, Was, Resource string }
	}
	w.get("/api/v1/events?limit=1000&scan="+id, &events)
	got := []string{}
	for _, e := range events.Items {
		text := e.Type + " " + e.Severity + " " + e.Resource
		if e.Was != "" && e.Was != "none" {
			text += ", was " + e.Was
		}
		got = append(got, text)
	}
	w.same(name+": events", got, want.events)
	var findings struct {
		Items []watchedFinding
	}
	w.get("/api/v1/findings?limit=1000&stream=all", &findings)
	got = nil
	for _, f := range findings.Items {
		got = append(got, f.resource())
	}
	w.same(name+": open findings", got, want.open)
	w.steps = append(w.steps, told{want, name, id})
	w.Logf("%s: %s", time.Since(w.begun).Round(time.Second), name)
	if len(want.told) > 0 { // who is told sees what is so by now, not what is so later
		w.until(name+": a message to the chat", func() bool { return len(once(w.chat.all())) >= w.messages() })
	}
}

// once drops what comes again: of each channel but one message is on its way at a time.
func once(all [][]byte) [][]byte { return slices.CompactFunc(slices.Clone(all), bytes.Equal) }

// told is what is told of a scan where nobody has asked for more.
func (w *watch) told(scan string) []string {
	i := slices.IndexFunc(w.steps, func(s told) bool { return s.scan == scan })
	return w.steps[i].told
}

// messages is how many there should be so far where nobody has asked for more.
func (w *watch) messages() (n int) {
	for _, s := range w.steps {
		n += len(s.told)
	}
	return n
}

type watchedFinding struct {
	State   string
	Finding struct {
		Fingerprint string
		Resource    struct{ ID, Name string }
	}
	Events []struct {
		Type  string
		Cause *struct {
			Status, Principal, Call string
			Planned                 *bool
		}
	}
}

func (f *watchedFinding) resource() string {
	return cmp.Or(f.Finding.Resource.Name, f.Finding.Resource.ID)
}

// same compares what is in no order.
func (w *watch) same(what string, got, want []string) {
	w.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		w.Errorf("%s\n  got  %q\n  want %q", what, got, want)
	}
}

// breakSettings makes a mistake in the settings while the service runs: it is told, nothing begins, and nothing ends.
func (w *watch) breakSettings() {
	w.Helper()
	w.write("scanner.yaml", "schedules: [{name: all, cron: sometimes}]\n")
	if _, status, text := w.post(); status != http.StatusConflict || !strings.Contains(text, "scanner.yaml:1") {
		w.Errorf("with a mistake in the settings a scan is answered with %d %s", status, text)
	}
	w.until("a word about the mistake", func() bool { return strings.Contains(w.log.String(), "the settings cannot be read") })
}

// A message is what the test reads of one.
type message struct {
	ID, Kind, Title string
	Scan            struct{ ID string }
	Findings        []struct {
		Event, ChangedBy string
		Resource         struct{ ID, Name string }
	}
	Groups []struct{ Rule string }
}

// says lists what a message tells, as steps do.
func (m *message) says() (all []string) {
	for _, f := range m.Findings {
		all = append(all, f.Event+" "+cmp.Or(f.Resource.Name, f.Resource.ID))
	}
	for _, g := range m.Groups {
		all = append(all, m.Kind+": "+g.Rule)
	}
	return all
}

// compareMessages compares what all receivers got with what has happened.
func (w *watch) compareMessages() {
	w.Helper()
	// What the chat got is told to others as well; the hook is told of everything else, but for what comes and goes.
	usual, everything := map[string][]string{}, map[string][]string{}
	n := 0
	for _, s := range w.steps {
		usual[s.scan] = s.told
		everything[s.scan] = slices.Clone(s.told)
		for _, e := range s.events {
			word := strings.Fields(strings.TrimSuffix(e, ","))
			if slices.Contains([]string{"fixed", "no-longer-assessed", "assessed-again", "waived"}, word[0]) && word[2] != "jobs-dlq" {
				everything[s.scan] = append(everything[s.scan], word[0]+" "+word[2])
			}
		}
	}
	everything[w.steps[len(w.steps)-1].scan] = []string{"fixed jobs-dlq"}
	for _, all := range everything {
		n += len(all)
	}
	decode := func(channel string, texts [][]byte) (all []message) {
		for _, text := range texts {
			var m message
			if err := json.Unmarshal(text, &m); err != nil {
				w.Errorf("%s got %.200q: %v", channel, text, err)
			}
			all = append(all, m)
		}
		return all
	}
	w.until("the messages to the hook", func() bool {
		got := 0
		seen := map[string]bool{}
		for _, m := range decode("hook", w.hook.all()) {
			if !seen[m.ID] {
				seen[m.ID] = true
				got += len(m.says())
			}
		}
		return got >= n
	})
	time.Sleep(6 * time.Second) // in which a message would come that should not

	by := map[string][]message{"hook": decode("hook", w.hook.all())}
	for channel, name := range w.streams {
		by[channel] = decode(channel, w.received(channel, name))
	}
	for channel, all := range by {
		got, ids := map[string][]string{}, map[string]bool{}
		for _, m := range all {
			if ids[m.ID] {
				if m.Scan.ID != w.unsure {
					w.Errorf("%s got message %s twice: %s", channel, m.ID, m.Title)
				}
				continue
			}
			ids[m.ID] = true
			got[m.Scan.ID] = append(got[m.Scan.ID], m.says()...)
			if i := slices.Index(m.says(), "new shop"); i >= 0 {
				if by := m.Findings[i].ChangedBy; !strings.HasPrefix(by, "role deploy of account "+accountID+", by s3:PutBucketPolicy, ") {
					w.Errorf("%s is told who has opened the bucket: %q", channel, by)
				}
			}
		}
		want := usual
		if channel == "hook" {
			want = everything
		}
		for _, s := range w.steps {
			w.same(channel+" after "+s.name, got[s.scan], want[s.scan])
			delete(got, s.scan)
		}
		if len(got) > 0 {
			w.Errorf("%s is told of scans that nobody made: %v", channel, got)
		}
	}
	// Where messages are for people they say the same, in the same order.
	var titles []string
	for _, m := range by["sqs"] {
		if !slices.Contains(titles, m.Title) {
			titles = append(titles, m.Title)
		}
	}
	for channel, texts := range map[string][][]byte{"chat": w.chat.all(), "teams": w.teams.all(), "mail": w.mail.all()} {
		if n, sure := len(once(texts)), len(texts)-len(w.told(w.unsure)); n != w.messages() || sure > n {
			w.Errorf("%s got %d messages, %d of them once, want %d", channel, len(texts), n, w.messages())
		}
		all := string(bytes.Join(texts, nil))
		for _, title := range titles {
			if !strings.Contains(all, title) {
				w.Errorf("%s is not told %q", channel, title)
			}
		}
		if strings.Contains(all, "jane") {
			w.Errorf("%s is told the name of a person", channel)
		}
	}
	// Incidents begin and end.
	var incidents []string
	for _, text := range once(w.pager.all()) {
		var e struct {
			Action  string `json:"event_action"`
			Key     string `json:"dedup_key"`
			Payload struct{ Summary string }
		}
		if err := json.Unmarshal(text, &e); err != nil {
			w.Error(err)
		}
		incidents = append(incidents, e.Action)
	}
	w.same("incidents", incidents, strings.Fields("trigger trigger resolve trigger resolve resolve trigger trigger trigger trigger resolve resolve"))
}

// received reads a queue until it is empty.
func (w *watch) received(channel, name string) (all [][]byte) {
	w.Helper()
	for {
		answer := w.aws("ap-southeast-2", "sqs", "receive_message", object{"QueueUrl": w.queueURL(name), "MaxNumberOfMessages": 10, "VisibilityTimeout": 3600})
		messages, _ := answer["Messages"].([]any)
		if len(messages) == 0 {
			return all
		}
		for _, m := range messages {
			body, _ := m.(object)["Body"].(string)
			if channel == "eventbridge" {
				var e struct{ Detail json.RawMessage }
				if err := json.Unmarshal([]byte(body), &e); err != nil {
					w.Error(err)
				}
				body = string(e.Detail)
			}
			all = append(all, []byte(body))
		}
	}
}

// says runs a command on the store that the service has open.
func (w *watch) says(into any, args ...string) {
	w.Helper()
	c := w.command(append(args, "--data", "store", "-o", "json")...)
	var errs bytes.Buffer
	c.Stderr = &errs
	text, err := c.Output()
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		w.Fatalf("scanner %s: %v: %s", strings.Join(args, " "), err, &errs)
	}
}

// compareHistory compares what scanner history tells of a resource.
func (w *watch) compareHistory(resource string, want ...string) {
	w.Helper()
	var findings struct{ Items []watchedFinding }
	w.get("/api/v1/findings?limit=1000&state=all", &findings)
	i := slices.IndexFunc(findings.Items, func(f watchedFinding) bool { return f.resource() == resource })
	if i < 0 {
		w.Errorf("there is no finding of %s", resource)
		return
	}
	var lives []watchedFinding
	w.says(&lives, "history", findings.Items[i].Finding.Fingerprint)
	var got []string
	for _, e := range lives[0].Events {
		got = append(got, e.Type)
		if resource == "shop" && e.Type == "new" && (e.Cause == nil || e.Cause.Status != "found" || e.Cause.Call != "s3:PutBucketPolicy" || e.Cause.Planned == nil || !*e.Cause.Planned) {
			w.Errorf("history tells who has opened the bucket: %+v", e.Cause)
		}
	}
	if len(lives) != 1 || !slices.Equal(got, want) {
		w.Errorf("%d lives of %s: %q, want %q", len(lives), resource, got, want)
	}
}

// compareTrend compares what scanner status and trend tell of the scans.
func (w *watch) compareTrend() {
	w.Helper()
	type point struct {
		Scan                          string
		Failures                      map[string]int
		Waived, New, Regressed, Fixed int
		Cells, Assessed               int
	}
	var points []point
	w.says(&points, "trend")
	if len(points) != len(w.steps) {
		w.Fatalf("the trend has %d points, want %d", len(points), len(w.steps))
	}
	for i, p := range points {
		s := w.steps[i]
		count := map[string]int{}
		for _, e := range s.events {
			count[strings.Fields(e)[0]]++
		}
		worse := count["new"] + count["regressed"] + count["escalated"]
		if p.Scan != s.scan || p.New != worse || p.Fixed != count["fixed"] || p.Regressed != count["regressed"] {
			w.Errorf("trend after %q: %+v, want %v", s.name, p, count)
		}
	}
	var streams []struct {
		Stream      string
		Found       *point
		NotAssessed int
	}
	w.says(&streams, "status")
	if len(streams) != 1 || streams[0].Found == nil {
		w.Fatalf("status: %+v", streams)
	}
	n := 0
	for _, k := range maps.All(streams[0].Found.Failures) {
		n += k
	}
	if n != len(w.steps[len(w.steps)-1].open) || streams[0].NotAssessed != 0 || streams[0].Found.Cells != streams[0].Found.Assessed {
		w.Errorf("status: %+v", streams[0])
	}
}

// A receiver is a web server that people are told by.
type receiver struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	bodies  [][]byte // that were taken
	status  int
	times   int
	hold    bool
	release chan struct{}
	hung    bool // some sender was left without an answer
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t}
	r.Server = httptest.NewServer(r)
	t.Cleanup(func() { r.goOn(); r.Close() })
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	if signature := q.Header.Get("X-Scanner-Signature"); signature != "" {
		h := hmac.New(sha256.New, []byte(hookSecret))
		fmt.Fprintf(h, "%s.%s", q.Header.Get("X-Scanner-Timestamp"), body)
		if signature != "sha256="+hex.EncodeToString(h.Sum(nil)) {
			r.t.Errorf("a message is signed as %q", signature)
		}
	}
	r.mu.Lock()
	status := http.StatusOK
	if r.times > 0 {
		r.times--
		status = r.status
	}
	var release chan struct{}
	if status == http.StatusOK {
		r.bodies = append(r.bodies, body)
		if r.hold {
			r.hung = true
			release = r.release
		}
	}
	r.mu.Unlock()
	if release != nil {
		<-release
	}
	w.WriteHeader(status)
}

func (r *receiver) all() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.bodies)
}

// fail lets the next requests fail.
func (r *receiver) fail(status, times int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.times = status, times
}

// hang takes the next messages, but does not answer.
func (r *receiver) hang() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold, r.release = true, make(chan struct{})
}

func (r *receiver) hanging() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hung
}

func (r *receiver) goOn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hold {
		r.hold = false
		close(r.release)
	}
}

// A mailbox is a mail server with one inbox for all.
type mailbox struct {
	address string
	t       *testing.T

	mu    sync.Mutex
	mails [][]byte
	bad   int // so many it does not take
}

func newMailbox(t *testing.T) *mailbox {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{address: l.Addr().String(), t: t}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go m.talk(c)
		}
	}()
	return m
}

func (m *mailbox) fail(times int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bad = times
}

// talk speaks the server's side of RFC 5321, as far as a test needs it.
func (m *mailbox) talk(c net.Conn) {
	defer c.Close()
	lines := bufio.NewScanner(c)
	say := func(text string) { io.WriteString(c, text+"\r\n") }
	say("220 test")
	for lines.Scan() {
		switch verb, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " "); verb {
		case "EHLO", "HELO":
			say("250 test")
		case "DATA":
			m.mu.Lock()
			bad := m.bad > 0
			if bad {
				m.bad--
			}
			m.mu.Unlock()
			if bad {
				say("451 not now")
				continue
			}
			say("354 go on")
			var text bytes.Buffer
			for lines.Scan() && lines.Text() != "." {
				text.WriteString(strings.TrimPrefix(lines.Text(), ".") + "\r\n")
			}
			mail, err := plainText(&text)
			if err != nil {
				m.t.Errorf("a mail is not understood: %v", err)
			}
			m.mu.Lock()
			m.mails = append(m.mails, mail)
			m.mu.Unlock()
			say("250 ok")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// plainText returns subject and plain text of a mail.
func plainText(r io.Reader) ([]byte, error) {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return nil, err
	}
	_, boundary, _ := strings.Cut(m.Header.Get("Content-Type"), "boundary=")
	part, err := multipart.NewReader(m.Body, strings.Trim(boundary, `"`)).NextRawPart()
	if err != nil {
		return nil, err
	}
	var body io.Reader = part
	switch part.Header.Get("Content-Transfer-Encoding") {
	case "quoted-printable":
		body = quotedprintable.NewReader(part)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, part)
	}
	return io.ReadAll(body)
}

func (m *mailbox) all() [][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}
