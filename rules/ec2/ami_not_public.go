package ec2

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
)

type imageNotPublic struct {
	ExemptTags exemptTags `json:"exempt_tags"`
}

func (p *imageNotPublic) Validate() error { return p.ExemptTags.check() }
func (p *imageNotPublic) Reads() []string { return p.ExemptTags.reads("ec2.Image.Tags") }

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-ami-not-public",
	Title:    "AMIs that the account owns are not public",
	Level:    engine.Recommended,
	Severity: engine.Critical,
	Worst:    engine.Critical,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Everybody with an AWS account can find a public image, launch it and read all that is on its disks: code, keys left behind, customer data. " +
		"Block public access for AMIs does not undo it: that only keeps images from being made public from then on.",
	Fix: engine.Fix{
		Text: "Take the launch permission of the group all away. Change every credential that was ever on the image, as copies of it may have been made. " +
			"Then block public access for AMIs in the region. An image that is meant for the public can be tagged and named in exempt_tags.",
		CLI: `aws ec2 modify-image-attribute --image-id <ami-id> --launch-permission 'Remove=[{Group=all}]'
aws ec2 enable-image-block-public-access --image-block-public-access-state block-new-sharing`,
		IaC: `# Terraform: remove the aws_ami_launch_permission with group = "all", and add
resource "aws_ec2_image_block_public_access" "this" {
  state = "block-new-sharing"
}`,
		Breaks: "Accounts outside that launch the image can no longer do so; instances that run go on. Look for their launches with the owner of the image: " +
			"its lastLaunchedTime (aws ec2 describe-images) counts launches by others too. Share it by name with those that need it.",
		Undo: `aws ec2 disable-image-block-public-access
aws ec2 modify-image-attribute --image-id <ami-id> --launch-permission 'Add=[{Group=all}]'`,
		Effect: engine.Replaces,
	},
	Reads: []string{"ec2.Image.Public", "ec2.Image.State"},

	// The state block-new-sharing, the only one there is for images, leaves public ones public: hence nobody asks for it.
	// Source: EC2 User Guide, "Understand block public access for AMIs".
	Check: engine.EachWith(imageNotPublic{ExemptTags: exemptTags{}}, func(_ *engine.View, p *imageNotPublic, i *ec2.Image) engine.Verdict {
		switch state := i.State.Get(); state {
		case "failed", "error", "invalid", "deregistered":
			return engine.NotApplicable("its state is " + state + ": nobody can launch it")
		}
		if !i.Public.Get() {
			return engine.Pass()
		}
		if why := p.ExemptTags.excuse("the image", i.Tags); why != "" {
			return engine.NotApplicable(why)
		}
		return engine.Fail("Public is true: everybody can launch the image and read its disks. Remove the launch permission of the group all").
			With("state", i.State)
	}),
})
