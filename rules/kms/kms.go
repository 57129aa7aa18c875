// Package kms holds the rules about AWS Key Management Service.
package kms

import (
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/cloudtrail"
	"awsscanner/internal/model/cloudwatchlogs"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/model/kms"
	"awsscanner/internal/model/rds"
	"awsscanner/internal/model/secretsmanager"
	"awsscanner/internal/model/sns"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/model/ssm"
)

// Rules lists every rule in this folder.
var Rules engine.Set

const ofAWS = "AWS manages it: the account cannot change it"

// A user is a kind of which each resource may name a key.
type user struct {
	read string // the attribute that does
	of   func(*engine.View, *kms.Key) (name string, found bool)
}

var users = []user{
	by("volume", "ec2.Volume.KMSKey", func(x *ec2.Volume) model.Attr[string] { return x.KMSKey }),
	by("DB instance", "rds.DBInstance.KMSKey", func(x *rds.DBInstance) model.Attr[string] { return x.KMSKey }),
	by("DB cluster", "rds.DBCluster.KMSKey", func(x *rds.DBCluster) model.Attr[string] { return x.KMSKey }),
	by("DB snapshot", "rds.DBSnapshot.KMSKey", func(x *rds.DBSnapshot) model.Attr[string] { return x.KMSKey }),
	by("DB cluster snapshot", "rds.DBClusterSnapshot.KMSKey", func(x *rds.DBClusterSnapshot) model.Attr[string] { return x.KMSKey }),
	by("secret", "secretsmanager.Secret.KMSKey", func(x *secretsmanager.Secret) model.Attr[string] { return x.KMSKey }),
	by("parameter", "ssm.Parameter.KMSKey", func(x *ssm.Parameter) model.Attr[string] { return x.KMSKey }),
	by("log group", "cloudwatchlogs.LogGroup.KMSKey", func(x *cloudwatchlogs.LogGroup) model.Attr[string] { return x.KMSKey }),
	by("trail", "cloudtrail.Trail.KMSKey", func(x *cloudtrail.Trail) model.Attr[string] { return x.KMSKey }),
	by("queue", "sqs.Queue.KMSKey", func(x *sqs.Queue) model.Attr[string] { return x.KMSKey }),
	by("topic", "sns.Topic.KMSKey", func(x *sns.Topic) model.Attr[string] { return x.KMSKey }),
}

// alias is what all aliases are indexed by, as each has to be looked up.
const alias = "alias/"

func by[R model.Resource](what, read string, key func(R) model.Attr[string]) user {
	index := engine.NewIndex(func(r R) []string {
		switch ref := key(r).Get(); {
		case kms.AWSManaged(ref):
			return nil
		case strings.Contains(ref, alias):
			return []string{alias}
		default:
			return []string{ref}
		}
	})
	return user{read, func(v *engine.View, k *kms.Key) (name string, found bool) {
		_, found = engine.Of([]string{k.ARN, k.ID, alias}).First(func(ref string) bool {
			r, ok := index.At(v, ref).First(func(r R) bool {
				if ref != alias {
					return true
				}
				meant, ok := engine.Find[*kms.Key](v, key(r).Get())
				return ok && meant.ARN == k.ARN
			})
			if ok {
				name = what + " " + r.About().ID
				if n := r.About().Name; n != "" {
					name = what + " " + n
				}
			}
			return ok
		})
		return name, found
	}}
}

// used finds something that is encrypted with a key, in the region of the key or, a trail, in any.
func used(v *engine.View, k *kms.Key) (name string, found bool) {
	_, found = engine.Of(users).First(func(u user) bool {
		at := v
		if strings.HasPrefix(u.read, "cloudtrail.") { // its key is in the region of its bucket
			at = v.InAccount()
		}
		n, ok := u.of(at, k)
		if ok {
			name = n
		}
		return ok
	})
	return name, found
}

func usersRead() (reads []string) {
	for _, u := range users {
		reads = append(reads, u.read)
	}
	return reads
}
