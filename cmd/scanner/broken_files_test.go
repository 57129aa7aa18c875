package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A brokenFile is one that people may write, and what they are told.
type brokenFile struct{ text, want string }

// What is wrong with a file of settings.
var brokenConfigs = []brokenFile{
	// No YAML.
	{"", "1: the file is empty"},
	{"# ruleset: extended\n", "1: the file is empty"},
	{"---\n", "1: the file is empty"},
	{"null\n", "1: the file is empty"},
	{"ruleset: extended\nregions: eu-\xe4\n", "2: this line is not UTF-8: save the file as UTF-8"},
	{"\xff\xfer\x00u\x00l\x00", "1: the file is UTF-16: save it as UTF-8"},
	{"ruleset: extended\x07\n", `1: this line holds a control character (\a): remove it, or write it as an escape in double quotes`},
	{"ruleset: extended\n---\nruleset: optional\n", "2: a second document begins here: one file holds one document, remove the --- or what follows it"},
	{"gate:\n\tfail_on: high\n", "2: a tab indents this line: indent with spaces"},
	{"gate:\n  fail_on: high\n max: {high: 1}\n", "3: a key is expected here: indent this line as the other keys of its group"},
	{"gate:\n  fail_on high\n", `2: gate takes keys and values, as {key: value}, not the text "fail_on high"`},
	{"gate:\n  fail_on: high\n  max\n", "3: this line has no colon: write key: value, or indent it if it belongs to the line before"},
	{"gate: fail_on: high\n", "1: a colon is not expected here: put a text that holds a colon and a space in quotes, or indent this line as those before it"},
	{"regions: [eu-west-1, us-east-1\nruleset: extended\n", "1: a list that opens with [ in this line is not closed with ], or lacks a comma"},
	{"ruleset: extended\ngate: {fail_on: high\n", "2: what opens with { in this line is not closed with }, or lacks a comma"},
	{"ruleset: \"extended\nregions: eu-*\n", "1: a quote opens in this line and nothing closes it"},
	{"rules: [*-public]\n", "1: a text may not begin with *: put it in quotes"},
	{"ruleset: extended\nrules:\n  - *\n", "3: a text may not begin with *: put it in quotes"},
	{"accounts: &a {profiles: [x]}\n", "1: &a is an anchor, which is not understood: remove it, or put a text that begins with & in quotes"},
	{"x: &a [x, x]\ny: &b [*a, *a]\nregions: [*b, *b]\n", "1: &a is an anchor, which is not understood: remove it, or put a text that begins with & in quotes|2: &b is an anchor, which is not understood: remove it, or put a text that begins with & in quotes|2: *a is an alias, which is not understood: write the value itself, or put a text that begins with * in quotes|3: *b is an alias, which is not understood: write the value itself, or put a text that begins with * in quotes"},
	{"gate:\n  <<: {fail_on: high}\n", "2: << is not understood: write the keys themselves"},
	{"ruleset: !!str extended\n", "1: !!str is a tag, which is not understood: remove it, or put a text that begins with ! in quotes"},
	{"accounts: {{ accounts }}\n", "1: a key must be a text, not what is in brackets: put a text that begins with { or [ in quotes"},
	{"- ruleset: extended\n", "1: the file takes keys and values, as {key: value}, not a list"},
	{"ruleset:extended\n", `1: the file takes keys and values, not the text "ruleset:extended": after the colon of a key comes a space`},
	{strings.Repeat("#", 3<<20), "0: it has more than 2 MB: split it, or find out what it is"},

	// Keys.
	{"rulesets: extended\n", `1: the file has no key "rulesets": did you mean ruleset?`},
	{"ruleset: extended\nregion: eu-*\n", `2: the file has no key "region": did you mean regions?`},
	{"fail_on: high\n", `1: the file has no key "fail_on": did you mean fail_on, under gate?`},
	{"gate:\n  fail-on: high\n", `2: gate has no key "fail-on": did you mean fail_on?`},
	{"Gate:\n  fail_on: high\n", `1: the file has no key "Gate": did you mean gate?`},
	{"accounts:\n  profile: audit\n", `2: accounts has no key "profile": did you mean profiles?`},
	{"ruleset: extended\nruleset: optional\n", "2: the key ruleset of the file stands twice, first in line 1: remove one of them"},
	{"gate:\n  fail_on: high\n  fail_on: low\n", "3: the key fail_on of gate stands twice, first in line 2: remove one of them"},
	{"severities:\n  s3-bucket-versioning: low\n  s3-bucket-versioning: high\n", "3: the key s3-bucket-versioning of severities stands twice, first in line 2: remove one of them"},
	{"waiver_policy:\n  longset: {high: 90d}\n", `2: waiver_policy has no key "longset": did you mean longest?`},
	{"owners:\n- team: a\n  tag: {team: a}\n", `3: the owner has no key "tag": did you mean tags?`},

	// Values of the wrong sort.
	{"regions:\nruleset: extended\n", "1: regions has no value: give one, or remove the key"},
	{"ruleset: ~\n", "1: ruleset has no value: give one, or remove the key"},
	{"ruleset: ''\n", "1: ruleset is empty: give it a text, or remove it"},
	{"ruleset: [extended]\n", "1: ruleset takes a text, not a list"},
	{"regions: []\n", "1: regions is an empty list: give it an item, or remove it"},
	{"regions: {eu-west-1: true}\n", "1: regions takes a list, as [a, b], not keys and values"},
	{"accounts: [111122223333]\n", "1: accounts takes keys and values, as {key: value}, not a list"},
	{"accounts: {org: yes}\n", `1: org takes true or false, not "yes"`},
	{"accounts: {org: 1}\n", "1: org takes true or false, not the number 1"},
	{"gate: high\n", `1: gate takes keys and values, as {key: value}, not the text "high"`},
	{"gate: {fail_on_new: since yesterday}\n", `1: fail_on_new takes true or false, not the text "since yesterday"`},
	{"gate: {max: 5}\n", "1: max takes keys and values, as {key: value}, not the number 5"},
	{"gate: {max: {high: \"5\"}}\n", "1: high takes a number, not a text: take away the quotes"},
	{"gate: {max: {high: 010}}\n", "1: high takes a whole number in decimal digits, not 010"},
	{"max_rps: fast\n", `1: max_rps takes a number, not the text "fast"`},
	{"max_rps: 1e3\n", "1: max_rps takes a number in decimal digits, not 1e3"},
	{"severities: [s3-bucket-versioning]\n", "1: severities takes keys and values, as {key: value}, not a list"},
	{"owners: {team: shop}\n", "1: owners takes a list, each item of which begins with -, not keys and values"},
	{"owners: [shop]\n", `1: the owner takes keys and values, as {key: value}, not the text "shop"`},
	{"waivers: [a.yaml, b.yaml]\n", "1: waivers takes a text, not a list"},
	{"locked: true\n", "1: an item of locked takes a text: put true in quotes if it is one"},

	// Values that there are not.
	{"ruleset: recomended\n", `1: ruleset: there is no "recomended": did you mean recommended?`},
	{"rules: s3-bucket-versoning\n", `1: rules: no rule matches "s3-bucket-versoning": did you mean s3-bucket-versioning?`},
	{"rules:\n- s3-*\n- zzz-*\n", `3: rules: no rule matches "zzz-*": see scanner rules list`},
	{"exclude_rules: [cert]\n", `1: exclude_rules: no rule matches "cert": did you mean acm-certificate-not-expiring?`},
	{"services: [sqss]\n", `1: services: no service matches "sqss": did you mean sqs?`},
	{"pillars: [security, beauty]\n", `1: pillars: no pillar matches "beauty": use operational-excellence, security, reliability, `},
	{"frameworks: cis5.0\n", `1: frameworks: no framework matches "cis5.0": did you mean cis-5.0?`},
	{"min_severity: hgh\n", `1: min_severity: there is no "hgh": did you mean high?`},
	{"gate: {fail_on: HIGH}\n", `1: gate.fail_on: there is no "HIGH": did you mean high?`},
	{"gate:\n  fail_on: high\n  max:\n    high: 5\n    severe: 1\n", `5: gate.max: there is no "severe": use critical, high, medium, low, informational`},
	{"gate: {max: {high: -1}}\n", `1: gate.max: high=-1: "-1" is no number of findings`},
	{"gate:\n  fail_on: high\n  allow_incomplete: most\n", `3: gate.allow_incomplete: "most" is no percentage from 0 to 100`},
	{"gate:\n  fail_on: high\n  allow_incomplete: 101\n", `3: gate.allow_incomplete: "101" is no percentage from 0 to 100`},
	{"gate: {fail_on_incomplete: -1}\n", `1: gate.fail_on_incomplete: "-1" is no percentage from 0 to 100`},
	{"gate: {baseline: gone.json}\n", `1: gate.baseline: gone.json cannot be read: no such file or directory`},
	{"outputs: [report.pdf]\n", `1: outputs: report.pdf: there is no format "report.pdf": `},
	{"outputs: json=gone/report.json\n", `1: outputs: json=gone/report.json: there is no directory gone`},
	{"redact: [accounts, secrets]\n", `1: redact: there is no "secrets": `},
	{"log_format: yaml\n", `1: log_format: there is no "yaml": `},
	{"regions: EU-West-1\n", `1: regions: there is no region "EU-West-1": write it in lower case, as eu-west-1`},
	{"regions: [eu-west-1, eu-wset-1]\n", `1: regions: there is no region "eu-wset-1": did you mean eu-west-1?`},
	{"accounts: {org: true, include: [12345678901]}\n", `1: accounts.include: "12345678901" is no account ID: write its 12 digits`},
	{"accounts: {org: true, exclude: prod}\n", `1: accounts.exclude: "prod" is no account ID: write its 12 digits`},
	{"accounts: {org: true, ou: Production}\n", `1: accounts.ou: "Production" is no organizational unit: write its ID, as ou-ab12-cdefgh34`},
	{"accounts: {org: true, status: [ACTIV]}\n", `1: accounts.status: there is no "ACTIV": did you mean ACTIVE?`},
	{"accounts: {role_arns: scanner}\n", `1: accounts.role_arns: the role scanner is no ARN of a role: write arn:aws:iam::ACCOUNT:role/NAME`},
	{"accounts: {role_arns: 'arn:aws:iam::12345:role/scanner'}\n", `1: accounts.role_arns: "12345" is no account ID: write its 12 digits in arn:aws:iam::12345:role/scanner`},
	{"accounts:\n  role_arns: arn:aws:iam::111122223333:role/scanner\n  external_id: x\n", `3: accounts.external_id: the external ID cannot be one: AWS takes 2 to 1224 letters, digits and any of +=,.@:/_-`},
	{"accounts:\n  role_arns: arn:aws:iam::111122223333:role/scanner\n  session_duration: 5m\n", `3: accounts.session_duration: a session of 5m0s cannot be had: AWS takes 15m to 12h, in whole seconds`},
	{"timeout: 30\n", `1: timeout: "30" is no time: write a number with s, m or h, as 45m`},
	{"timeout: soon\n", `1: timeout: "soon" is no time: write a number with s, m or h, as 45m`},
	{"timeout: -5m\n", `1: timeout: "-5m" is no time: write a number with s, m or h, as 45m`},
	{"max_rps: -1\n", "1: max_rps: -1 is not positive"},
	{"quota_share: 150\n", "1: quota_share: 150 is no percentage from 1 to 100"},
	{"rules: ${RULES}\n", `1: rules: "${RULES}" is taken as it is, as nothing replaces variables here: write the value, or set the variable SCANNER_RULES`},

	// Rules.
	{"severities: {s3-bucket-versoning: low}\n", `1: there is no rule "s3-bucket-versoning": did you mean s3-bucket-versioning?`},
	{"severities: {s3-*: low}\n", `1: there is no rule "s3-*": see scanner rules list`},
	{"severities: {s3-bucket-versioning: lwo}\n", `1: s3-bucket-versioning: "lwo" is no severity: use one of critical, high, medium, low, informational`},
	{"params:\n  sqs-queue-dead-leter-queue: {max_receive: 9}\n", `2: there is no rule "sqs-queue-dead-leter-queue": did you mean sqs-queue-dead-letter-queue?`},
	{"params:\n  sqs-queue-dead-letter-queue:\n    max_recieve: 9\n", `3: rule sqs-queue-dead-letter-queue has no parameter "max_recieve": did you mean max_receive?`},
	{"params:\n  sqs-queue-dead-letter-queue:\n    max_receive: many\n", "3: parameters of rule sqs-queue-dead-letter-queue: max_receive takes a whole number, not a string"},
	{"params:\n  sqs-queue-dead-letter-queue:\n    max_receive: 1.5\n", "3: parameters of rule sqs-queue-dead-letter-queue: max_receive takes a whole number, not a number 1.5"},
	{"params:\n  sqs-queue-dead-letter-queue:\n    exclude: a\n", `3: parameters of rule sqs-queue-dead-letter-queue: exclude takes a list, as ["a","b"], not a string`},
	{"params:\n  sqs-queue-dead-letter-queue:\n    min_receive: 0\n", "3: parameters of rule sqs-queue-dead-letter-queue: min_receive must be at least 1, and max_receive at least min_receive"},
	{"params:\n  sqs-queue-dead-letter-queue:\n    max_receive:\n", "3: max_receive has no value: give one, or remove the key"},
	{"params:\n  iam-root-mfa-enabled: {days: 9}\n", "2: rule iam-root-mfa-enabled has no parameters"},
	{"params:\n  acm-certificate-not-expiring:\n    unused_severity: hgh\n", `3: parameters of rule acm-certificate-not-expiring: "hgh" is no severity: use one of `},
	{"account_params:\n  prod:\n    sqs-queue-dead-letter-queue: {max_receive: 9}\n", `2: account_params: "prod" is no account ID: write its 12 digits, in quotes`},
	{"account_params:\n  \"111122223333\":\n    sqs-queue-dead-letter-queue:\n      max_receive: never\n", "4: in account 111122223333: parameters of rule sqs-queue-dead-letter-queue: max_receive takes a whole number, not a string"},

	// Owners, waivers, locks.
	{"owners:\n- tags: {team: a}\n", "2: the owner has no team: add it"},
	{"owners:\n- team: a\n- team: b\n  rule: s3-*\n", `2: team "a" owns everything, so that nobody below it ever owns anything: give it a condition, or put it last`},
	{"owners:\n- team: a\n  account: 1111\n", `3: account: "1111" has 4 digits, and an account ID 12: leading zeros may have been lost`},
	{"owners:\n- team: a\n  resource: '*'\n", `3: resource: "*" matches every resource: name those that you mean, or leave it out`},
	{"owners:\n- team: a\n  tags: [team=a]\n", "3: tags takes keys and values, as {key: value}, not a list"},
	{"waivers: gone.yaml\n", "1: waivers: gone.yaml cannot be read: no such file or directory"},
	{"waiver_policy: {longest: {high: 90}}\n", `1: high: "90" is no term: write days or weeks, as 90d or 12w`},
	{"waiver_policy: {longest: {hgh: 90d}}\n", `1: a key of longest: "hgh" is no severity: use one of critical, high, medium, low, informational`},
	{"waiver_policy: {longest: 90d}\n", `1: longest takes keys and values, as {key: value}, not the text "90d"`},
	{"waiver_policy:\n  never: [iam-rot-*]\n", `2: never: no rule matches "iam-rot-*": see scanner rules list`},
	{"locked: [gate.fail-on]\n", `1: locked: there is no key "gate.fail-on": did you mean gate.fail_on?`},

	// Several at once, in order.
	{"regions: eu-wset-1\nruleset: all\nowners:\n- rule: s3-*\ntimeout: 1\nextra: 1\n", `1: regions: there is no region "eu-wset-1": did you mean eu-west-1?|2: ruleset: there is no "all": use recommended, extended, optional|4: the owner has no team: add it|5: timeout: "1" is no time: write a number with s, m or h, as 45m|6: the file has no key "extra": it has `},
}

// Settings that contradict each other.
var contradictions = []brokenFile{
	{"accounts:\n  org: true\n  role_arns: ['arn:aws:iam::111122223333:role/x']\n", "2: accounts.org and accounts.role_arns (scanner.yaml:3) exclude each other: name the role of the accounts with --org-role"},
	{"accounts:\n  exclude: [\"111122223333\"]\n", "2: --ou, --accounts, accounts.exclude, --account-tag and --account-status pick accounts of an organization: add --org"},
	{"accounts:\n  external_id: abc\n", "2: accounts.external_id, --session-name, --source-identity and --session-duration are for roles: add --role-arn or --org"},
	{"min_severity: high\ngate:\n  fail_on: medium\n", "3: gate.fail_on medium counts failures of severity medium, which --severity or min_severity (scanner.yaml:1) leaves out: widen one of them"},
	{"gate:\n  fail_on_new: true\n", "2: gate.fail_on_new needs something to compare with: add --baseline FILE, which scanner baseline create writes"},
	{"gate:\n  allow_incomplete: 95\n", "2: gate.allow_incomplete says nothing without --fail-on or --max: add one, or leave it out"},
	{"services: [sqs]\npillars: [cost-optimization]\n", "1: no rule is left after services, pillars (scanner.yaml:2), --ruleset: leave some of that out"},
	{"accounts:\n  profiles: [a, b, a]\n", "2: accounts.profiles a is given twice: leave one out"},
	{"accounts:\n  role_arns: ['arn:aws:iam::111122223333:role/x', 'arn:aws:iam::111122223333:role/x']\n", "2: accounts.role_arns arn:aws:iam::111122223333:role/x is given twice: leave one out"},
	{"accounts:\n  org: true\n  include: [111122223333]\n  exclude: [444455556666, 111122223333]\n", "3: accounts.include and accounts.exclude (scanner.yaml:4) both name 111122223333: take it out of one"},
	{"accounts:\n  org: true\n  org_role: arn:aws:iam::111122223333:role/x\n", "3: accounts.org_role takes a name, as the role is another one in each account: write x"},
	{"gate: {baseline: scanner.yaml, fail_on_new: true, fail_on: high}\n", "1: the baseline scanner.yaml cannot be read: it is none that scanner baseline create wrote, nor a snapshot or a JSON report"},
	{"outputs: [json=a.json, csv=a.json]\n", "1: outputs: csv=a.json: a.json is written already: name another file"},
	{"outputs: [csv=scanner.yaml]\n", "1: outputs: scanner.yaml would overwrite what is being read: name another file"},
	{"outputs: [table, json]\n", "1: outputs: only one format can go to standard output: give the others a file, as in -o json=report.json"},
}

// accepted is a waiver with all that is required.
func accepted(condition string) string {
	return "- " + strings.ReplaceAll(condition, "\n", "\n  ") + "\n  reason: because\n  owner: shop\n  expires: " + inDays(10) + "\n"
}

func inDays(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly) }

// What is wrong with a file of waivers.
var brokenWaivers = []brokenFile{
	{"", "1: the file is empty"},
	{"waivers: []\n", "1: the file takes a list, each item of which begins with -, not keys and values"},
	{"rule: s3-*\nreason: x\n", "1: the file takes a list, each item of which begins with -, not keys and values"},
	{"- s3-bucket-versioning\n", `1: the waiver takes keys and values, as {key: value}, not the text "s3-bucket-versioning"`},
	{"- rule: s3-bucket-versioning\n", "1: the waiver has no reason: add it|1: the waiver has no owner: add it|1: the waiver has no expires: add it"},
	{"- rule: s3-bucket-versioning\n  reason: x\n  owner: y\n  expires: 2030-02-30\n", "4: expires: there is no day 2030-02-30"},
	{"- rule: s3-bucket-versioning\n  reason: x\n  owner: y\n  expires: 31.01.2030\n", `4: expires: "31.01.2030" is no date: write YYYY-MM-DD`},
	{"- rule: s3-bucket-versioning\n  reason: x\n  owner: y\n  expires: never\n", `4: expires: "never" is no date: write YYYY-MM-DD`},
	{"- rule: s3-bucket-versioning\n  reason: x\n  owner: y\n  expires: 90d\n", `4: expires: "90d" is no date: write YYYY-MM-DD`},
	{"- rule: s3-bucket-versioning\n  reason: x\n  owner: y\n  expires: 9999-12-31\n", "4: expires: 9999-12-31 is more than five years away: choose a day on which somebody will look at it again"},
	{"- rule: s3-bucket-versioning\n  reason: x\n  owner: y\n  expires:\n", "4: expires has no value: give one, or remove the key"},
	{"- rule: s3-bucket-versioning\n  reason:\n  owner: y\n  expires: 2030-01-31\n", "2: reason has no value: give one, or remove the key"},
	{"- rule: s3-bucket-versioning\n  reason: [a]\n  owner: y\n  expires: 2030-01-31\n", "2: reason takes a text, not a list"},
	{"- rule: s3-bucket-versioning\n  reason: it's: so\n  owner: y\n  expires: 2030-01-31\n", "2: a colon is not expected here: put a text that holds a colon and a space in quotes, or indent this line as those before it"},
	{"- rule: s3-bucket-versioning\n  reason: x\n  owner: true\n  expires: 2030-01-31\n", "3: owner takes a text: put true in quotes if it is one"},
	{"- rule: *\n  reason: x\n", "1: a text may not begin with *: put it in quotes"},
	{"- reason: x\n  owner: y\n  expires: 2030-01-31\n", "1: the condition is empty: say which results it means, as rule: s3-*"},
	{accepted("rule: '*'"), `1: rule: "*" matches every rule: name those that you mean, or leave it out`},
	{accepted("rule: '*-*'"), `1: rule: "*-*" matches every rule: name those that you mean, or leave it out`},
	{accepted("resource: '*'"), `1: resource: "*" matches every resource: name those that you mean, or leave it out`},
	{accepted("resource: 'arn:aws:*'"), `1: resource: "arn:aws:*" matches every ARN: name the resources that you mean, or leave it out`},
	{accepted("kind: 'AWS::*'"), `1: kind: "AWS::*" matches every kind: name those that you mean, or leave it out`},
	{accepted("severity: [low, informational]"), "1: the waiver would accept everything but what it excludes: name a rule, an account, a resource or the like"},
	{accepted("not: {rule: iam-*}"), "1: the waiver would accept everything but what it excludes: name a rule, an account, a resource or the like"},
	{accepted("any:\n- rule: s3-*\n- not: {rule: iam-*}"), "1: the waiver would accept everything but what it excludes: name a rule, an account, a resource or the like"},
	{accepted("rule: s3-bucket-versoning"), `1: rule: no rule matches "s3-bucket-versoning": did you mean s3-bucket-versioning?`},
	{accepted("rule: [s3-*, zz-*]"), `1: rule: no rule matches "zz-*": see scanner rules list`},
	{accepted("kind: AWS::S3::Buckt"), `1: kind: no kind matches "AWS::S3::Buckt": did you mean AWS::S3::Bucket?`},
	{accepted("rule: s3-*\naccount: 1234567890"), `2: account: "1234567890" has 10 digits, and an account ID 12: leading zeros may have been lost`},
	{accepted("rule: s3-*\naccount: '*'"), `2: account: "*" is no account ID: write the 12 digits of each account, as patterns are not understood here`},
	{accepted("rule: s3-*\nregion: europe"), `2: region: there is no region "europe": write a name as eu-west-1, or a glob as eu-*`},
	{accepted("rule: s3-*\nresource: '^logs-.*$'"), `2: resource: "^logs-.*$" looks like a regular expression: only a star is special, and stands for any characters`},
	{accepted("rule: s3-*\ntags: [env=test]"), "2: tags takes keys and values, as {key: value}, not a list"},
	{accepted("rule: s3-*\ntags: {'env*': test}"), `2: the tag key "env*" holds a star, but keys are taken as they are: write the whole key`},
	{accepted("rule: s3-*\nseverity: minor"), `2: an item of severity: "minor" is no severity: use one of critical, high, medium, low, informational`},
	{accepted("rule: s3-*\nany: {region: eu-*}"), "2: any takes a list, each item of which begins with -, not keys and values"},
	{accepted("rule: s3-*\nany: []"), "2: any is an empty list: give it an item, or remove it"},
	{accepted("rule: s3-*\nnot: [region]"), "2: not takes keys and values, as {key: value}, not a list"},
	{accepted("rule: s3-*\nnot:\n  tag: x"), `3: not has no key "tag": did you mean tags?`},
	{accepted("rule: s3-*\nall:\n- {}"), "3: the condition is empty: say which results it means, as rule: s3-*"},
	{accepted("rules: s3-*"), `1: the waiver has no key "rules": did you mean rule?`},
	{accepted("rule: s3-*\nexpiry: 2030-01-01"), `2: the waiver has no key "expiry": did you mean expires?`},
	{accepted("rule: s3-*\nrule: iam-*"), "2: the key rule of the waiver stands twice, first in line 1: remove one of them"},
	{accepted("rule: [s3-*, sqs-*]") + accepted("rule: [sqs-*, s3-*]"), "5: the waiver means the same as that in line 1: keep one of them"},
	{accepted("rule: iam-root-mfa-enabled"), "1: iam-root-mfa-enabled may not be waived, as scanner.yaml:4 says: remove the waiver, or exclude what it says by not: {rule: ...}"},
	{accepted("account: 111122223333"), "1: iam-root-mfa-enabled, iam-root-no-access-keys may not be waived, as scanner.yaml:4 says: remove the waiver, or exclude what it says by not: {rule: ...}"},
	{"- rule: kms-key-not-public\n  reason: x\n  owner: y\n  expires: " + inDays(40) + "\n", "4: expires: " + inDays(40) + " is 40 days away, and scanner.yaml:2 allows 30 for what is critical, as kms-key-not-public may be: choose " + inDays(30) + " or an earlier day"},
	{strings.Repeat("- [", 5000), "1: a list that opens with [ in this line is not closed with ], or lacks a comma"},
}

// Each broken file is refused with a sentence for each mistake, in its line, and nothing is done.
func TestBrokenFiles(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	if n := len(brokenConfigs) + len(contradictions) + len(brokenWaivers); n < 150 {
		t.Errorf("there are only %d", n)
	}
	try := func(name string, c brokenFile, args ...string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, stderr bytes.Buffer
		code := run(t.Context(), args, &out, &stderr)
		got := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
		want := strings.Split(c.want, "|")
		ok := len(got) == len(want)
		for i := range want {
			line := fmt.Sprintf("scanner: %s:%s", name, strings.TrimPrefix(want[i], "0:"))
			ok = ok && (got[i] == line || strings.HasSuffix(line, " ") && strings.HasPrefix(got[i], line))
		}
		if !ok || code != 2 || out.Len() > 0 {
			t.Errorf("%.200q\n  scanner %s ends with %d, says %s\n  and writes %q\n  want %s", c.text, strings.Join(args, " "), code, stderr.String(), out.String(), c.want)
		}
	}
	t.Chdir(t.TempDir())
	for i, c := range brokenConfigs {
		try("scanner.yaml", c, "config", "check")
		switch i % 20 { // every command that reads the file refuses it
		case 3:
			try("scanner.yaml", c, "scan", "--services", "sqs")
		case 6:
			try("scanner.yaml", c, "rules", "list")
		case 9:
			try("scanner.yaml", c, "explain", "0123abcd")
		case 13:
			try("scanner.yaml", c, "permissions")
		case 17:
			try("scanner.yaml", c, "calls")
		}
	}
	for _, c := range contradictions {
		try("scanner.yaml", c, "config", "check")
	}
	policy := "waiver_policy:\n  longest: {critical: 30d}\n\n  never: [iam-root-*]\nwaivers: waivers.yaml\n"
	if err := os.WriteFile("scanner.yaml", []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, c := range brokenWaivers {
		try("waivers.yaml", c, "waivers", "lint")
		if i%5 == 0 {
			try("waivers.yaml", c, "scan", "--demo")
			try("waivers.yaml", c, "config", "check")
			try("waivers.yaml", c, "waivers", "unused")
		}
	}
	if found, _ := filepath.Glob("*"); len(found) != 2 {
		t.Errorf("something was written: %s", found)
	}
	if found, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_STATE_HOME"), "*")); len(found) != 0 {
		t.Errorf("something was kept: %s", found)
	}
}
