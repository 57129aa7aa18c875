package sns

import (
	"strings"

	"awsscanner/internal/model"
)

// Subscribers tells whether anybody receives what is sent to a topic that something refers to, whoever owns the topic. The ID is the
// ARN of the topic. The list of all subscriptions would not do: an account is shown there what it subscribed itself, but not who else
// subscribed to its topics. Source: SNS API reference, ListSubscriptions ("the requester's subscriptions").
type Subscribers struct {
	model.Meta `call:"sns:ListSubscriptionsByTopic" scope:"ref"`
	Confirmed  model.Attr[bool] `json:"confirmed,omitzero" call:"sns:ListSubscriptionsByTopic"` // at least one subscription is
	Pending    model.Attr[bool] `json:"pending,omitzero"   call:"sns:ListSubscriptionsByTopic"` // at least one waits for it, of those that were read
}

func (*Subscribers) Kind() model.Kind { return "AWS::SNS::Subscribers" }

// IsTopic reports whether an ARN is that of a topic.
func IsTopic(ref string) bool {
	arn, ok := model.ParseARN(ref)
	return ok && arn.Service == "sns" && !strings.Contains(arn.Resource, ":")
}
