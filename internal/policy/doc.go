// Package policy judges exposure: what IAM policy documents let whom do, and what network rules open to the world.
// All rules about exposure ask it, so that a document means the same to all of them. It is pure: text in, answers out.
//
// # What an answer means
//
// Access asks whether there is somebody (Question.Who) who may do any of some actions on any of some resources. The answer
// is a Level:
//
//   - Yes: a stranger can, and the text says by which statement.
//   - OnlyUnderCondition: nobody but a closed group can, which a condition names: an organization, a VPC endpoint, a few
//     addresses, a bucket. A group of accounts is not told here but by Grants, and the owner's own account is No.
//   - No: nobody can.
//   - Unknown: it cannot be told, and the text says why. A rule turns this into not-assessed.
//
// Parse refuses what it does not understand; such a policy is unknown too.
//
// # How it works
//
// A question is put for typical callers: one who signs with an account that the policy does not name, one who does not sign,
// a service that acts for a stranger, one with a token that anyone can have. For each of them the keys of the conditions
// have the values that such a caller can bring about (keys.go is the closed table), and all combinations of these are tried
// in a logic of yes, no and perhaps. Patterns are compared exactly, as automata, wildcards on both sides included.
//
// # A rule
//
// Who may use a queue is about 15 lines:
//
//	text := q.Policy.Get()
//	doc, err := policy.Parse(text)
//	if err != nil {
//		return engine.Unsure(model.TooLittleData, err.Error())
//	}
//	switch a := doc.Public(policy.Question{Resources: []string{q.ARN}, Account: q.Account}); a.Level {
//	case policy.Yes:
//		return engine.Fail(a.Text).With("statements", a.Statements)
//	case policy.Unknown:
//		return engine.Unsure(model.TooLittleData, a.Text)
//	case policy.OnlyUnderCondition:
//		return engine.Pass().Note(a.Text)
//	}
//	return engine.Pass()
//
// Which function serves which rule:
//
//   - not public (queue, topic, key, secret, repository, function, role trust): Document.Public. Say Account, and Org if it is
//     known. Name the resource: a Deny of it does not stop an Allow of everything else. Trust policies have none. Name actions to
//     narrow the question. A policy of a Lambda function is about its ARN and, with a qualifier, its ARN + ":*".
//   - shared only with trusted accounts: Document.Grants, Kind External and Opaque; or Access with Who: Outsiders.
//   - confused deputy: Grants, Kind Deputy with Level Yes. Compute services that take on roles are excused.
//   - tokens of GitHub and the like: part of Public; Grants, Kind Federated tells each provider.
//   - function URL: Question.Context {"lambda:FunctionUrlAuthType": "NONE", "lambda:InvokedViaFunctionUrl": "true"}. Without
//     it such grants are OnlyUnderCondition, and belong to the rule about URLs.
//   - administrator: Document.Admin; a given action on all resources: Document.Covers; on any: Access with Who: Holder.
//     Documents from IAM go through Decode first.
//   - plain HTTP: Document.DeniesPlainHTTP.
//   - buckets: Bucket.Public and Combine, with nil for what is not known; Exposure.Missing says what to ask for.
//   - security groups: Openings, AllPorts; network ACLs: ACLOpenings; both and the rest of the way: Path.Reachable.
//
// # Limits
//
// The document is all that is seen: boundaries, service control policies, resource control policies, VPC endpoint policies and
// grants of KMS are not. Dates, binary values and most policy variables are not modelled. Action names are not checked
// against AWS's list: where a question names none, what remains of sqs:* beside a Deny of every single action counts.
package policy
