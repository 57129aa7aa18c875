package policy

// A keyKind says what a caller can make of a condition key.
type keyKind int

const (
	unknownKey      keyKind = iota // not modelled: a test of it may come out either way
	freeKey                        // the caller chooses: it restricts nobody
	signedKey                      // the caller chooses, if he signs with an AWS account
	accountKey                     // account of who signs
	principalKey                   // ARN of who signs
	userKey                        // unique ID of who signs
	orgKey                         // organization of who signs
	orgPathKey                     // path in the organization of who signs
	ownerKey                       // account of who signs, or for whom a service acts
	sourceAccount                  // account for which a service acts
	sourceARN                      // resource for which a service acts
	sourceOrg                      // organization for which a service acts
	sourceOrgPath                  // path in it
	networkKey                     // VPC or VPC endpoint that the request comes through
	networkAccount                 // owner of the VPC endpoint
	networkOrg                     // his organization
	networkPath                    // his path in it
	addressKey                     // public address that the request comes from
	accessAccount                  // owner of the S3 access point that the request comes through
	accessPoint                    // its ARN
	isService                      // whether an AWS service calls for itself
	forwarded                      // whether a service passes on a request of the caller
	serviceName                    // name of the service that calls
	encrypted                      // whether the request comes over TLS
	tlsVersion                     // version of TLS
	functionURL                    // set only in requests through a Lambda function URL
	endpoint                       // to whom SNS delivers
	resourceAccount                // owner of the resource
	resourceOrg                    // his organization
)

// keyKinds is the closed table of condition keys, in lower case. Sources: IAM User Guide, "AWS global condition context keys";
// Service Authorization Reference for KMS, Lambda, S3, SNS and STS; S3 User Guide, "The meaning of public".
var keyKinds = map[string]keyKind{
	"aws:principalaccount":      accountKey,
	"kms:calleraccount":         accountKey,
	"aws:principalarn":          principalKey,
	"aws:userid":                userKey,
	"aws:principalorgid":        orgKey,
	"aws:principalorgpaths":     orgPathKey,
	"aws:sourceowner":           ownerKey, // deprecated; SNS sets it for callers, and as a caller
	"aws:sourceaccount":         sourceAccount,
	"aws:sourcearn":             sourceARN,
	"aws:sourceorgid":           sourceOrg,
	"aws:sourceorgpaths":        sourceOrgPath,
	"aws:sourcevpc":             networkKey,
	"aws:sourcevpce":            networkKey,
	"aws:sourcevpcarn":          networkAccount,
	"aws:vpceaccount":           networkAccount,
	"aws:vpceorgid":             networkOrg,
	"aws:vpceorgpaths":          networkPath,
	"aws:sourceip":              addressKey,
	"s3:dataaccesspointaccount": accessAccount,
	"s3:dataaccesspointarn":     accessPoint,

	"aws:principalisawsservice":          isService,
	"aws:viaawsservice":                  forwarded,
	"aws:principalservicename":           serviceName,
	"aws:principalservicenameslist":      serviceName,
	"aws:securetransport":                encrypted,
	"s3:tlsversion":                      tlsVersion,
	"lambda:functionurlauthtype":         functionURL,
	"lambda:invokedviafunctionurl":       functionURL,
	"sns:endpoint":                       endpoint,
	"aws:resourceaccount":                resourceAccount,
	"s3:resourceaccount":                 resourceAccount,
	"aws:resourceorgid":                  resourceOrg,
	"aws:calledvia":                      freeKey,
	"aws:calledviafirst":                 freeKey,
	"aws:calledvialast":                  freeKey,
	"aws:referer":                        freeKey,
	"aws:useragent":                      freeKey,
	"aws:requestedregion":                freeKey,
	"aws:tagkeys":                        freeKey,
	"aws:vpcsourceip":                    freeKey, // private addresses of the caller's own VPC
	"aws:principaltype":                  signedKey,
	"aws:username":                       signedKey,
	"aws:multifactorauthpresent":         signedKey,
	"aws:multifactorauthage":             signedKey,
	"aws:sourceidentity":                 signedKey,
	"kms:viaservice":                     freeKey, // any service, on behalf of the caller
	"kms:grantisforawsresource":          freeKey,
	"kms:encryptioncontextkeys":          freeKey,
	"kms:encryptionalgorithm":            freeKey,
	"kms:signingalgorithm":               freeKey,
	"kms:bypasspolicylockoutsafetycheck": freeKey,
	"lambda:eventsourcetoken":            freeKey,
	"s3:accesspointnetworkorigin":        freeKey, // access points of any account may lead to a bucket
	"s3:authtype":                        freeKey,
	"s3:delimiter":                       freeKey,
	"s3:max-keys":                        freeKey,
	"s3:prefix":                          freeKey,
	"s3:signatureversion":                freeKey,
	"s3:signatureage":                    freeKey,
	"s3:versionid":                       freeKey,
	"s3:if-match":                        freeKey,
	"s3:if-none-match":                   freeKey,
	"s3:x-amz-acl":                       freeKey,
	"s3:x-amz-content-sha256":            freeKey,
	"s3:x-amz-copy-source":               freeKey,
	"s3:x-amz-grant-full-control":        freeKey,
	"s3:x-amz-grant-read":                freeKey,
	"s3:x-amz-grant-read-acp":            freeKey,
	"s3:x-amz-grant-write":               freeKey,
	"s3:x-amz-grant-write-acp":           freeKey,
	"s3:x-amz-metadata-directive":        freeKey,
	"s3:x-amz-object-ownership":          freeKey,
	"s3:x-amz-server-side-encryption":    freeKey,
	"s3:x-amz-storage-class":             freeKey,
	"s3:x-amz-website-redirect-location": freeKey,
	"secretsmanager:blockpublicpolicy":   freeKey,
	"secretsmanager:versionid":           freeKey,
	"secretsmanager:versionstage":        freeKey,
	"sns:protocol":                       freeKey,
	"sts:externalid":                     freeKey, // no secret: AWS says to treat it as a name
	"sts:rolesessionname":                freeKey,
	"sts:sourceidentity":                 freeKey,
	"sts:transitivetagkeys":              freeKey,
	"sts:durationseconds":                freeKey,
}

// freePrefixes are the beginnings of keys that have a name in them. Tags of resources are not among them: what is
// tagged is not for the caller to choose.
var freePrefixes = map[string]keyKind{
	"aws:principaltag/":      signedKey, // whoever owns an account tags his roles as he likes
	"aws:requesttag/":        freeKey,
	"kms:encryptioncontext:": freeKey,
	"s3:requestobjecttag/":   freeKey,
}

// namesAccounts are the kinds of keys that tell an account: a test of them says whom a statement is for.
var namesAccounts = map[keyKind]bool{
	accountKey: true, principalKey: true, ownerKey: true, sourceAccount: true, sourceARN: true,
	networkAccount: true, accessAccount: true, accessPoint: true, resourceAccount: true,
}

// A provider signs tokens for the customers of more than one organization: unless a role trusts only some tokens of it,
// anyone can have one. Source: IAM User Guide, "Identity-provider controls for shared OIDC providers", and the documentation
// of each provider for the form of its subjects. Providers that are not here belong to one organization.
type provider struct {
	tenant []delimited // how a subject names the customer
	pinned []string    // further claims that name one customer, or one application of his
	free   []string    // claims that anyone may have, whatever they are
}

// delimited is a name between two texts: "repo:" and "/".
type delimited struct{ before, after string }

var providers = map[string]provider{
	"token.actions.githubusercontent.com": {
		[]delimited{{"repo:", "/"}, {"repository_owner:", ":"}, {"repository:", "/"}, {"repository_owner_id:", ":"}, {"repository_id:", ":"}},
		[]string{"repository", "repository_id", "repository_owner", "repository_owner_id", "enterprise", "enterprise_id"},
		[]string{"aud", "ref", "environment", "event_name", "workflow", "job_workflow_ref", "repository_visibility", "runner_environment"},
	},
	"gitlab.com":                     {[]delimited{{"project_path:", "/"}}, []string{"namespace_id", "project_id", "namespace_path"}, []string{"aud"}},
	"app.terraform.io":               {[]delimited{{"organization:", ":"}}, nil, []string{"aud"}},
	"agent.buildkite.com":            {[]delimited{{"organization:", ":"}}, nil, []string{"aud"}},
	"oidc.codefresh.io":              {[]delimited{{"account:", ":"}}, nil, []string{"aud"}},
	"api.pulumi.com/oidc":            {[]delimited{{"pulumi:deploy:org:", ":"}, {"pulumi:environments:org:", ":"}}, []string{"aud"}, nil},
	"oidc.vercel.com":                {[]delimited{{"owner:", ":"}}, []string{"aud"}, nil},
	"accounts.google.com":            {nil, []string{"aud", "azp", "oaud"}, nil},
	"cognito-identity.amazonaws.com": {nil, []string{"aud"}, []string{"amr"}},
	"graph.facebook.com":             {nil, []string{"app_id", "id"}, nil},
	"www.amazon.com":                 {nil, []string{"app_id", "user_id"}, nil},
}

// computeServices take on roles only for what runs in the same account, to which iam:PassRole gave them: nobody else can
// make them do so. Source: IAM User Guide, "Granting a user permissions to pass a role to an AWS service"; "The confused
// deputy problem" is about services that act on a resource of any account.
var computeServices = map[string]bool{
	"ec2.amazonaws.com":              true,
	"ecs-tasks.amazonaws.com":        true,
	"edgelambda.amazonaws.com":       true,
	"eks-fargate-pods.amazonaws.com": true,
	"lambda.amazonaws.com":           true,
	"pods.eks.amazonaws.com":         true,
	"tasks.apprunner.amazonaws.com":  true,
}
