package ec2

import (
	"fmt"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/price"
)

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-ebs-volume-gp3",
	Title:    "General purpose volumes are gp3, not gp2 or magnetic",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.CostOptimization, engine.PerformanceEfficiency, engine.Sustainability},
	Why: "gp3 costs a fifth less for each GiB than gp2 and gives every volume 3000 IOPS and 125 MiB/s, where a small gp2 volume lives on credits that run out. " +
		"Magnetic volumes manage about 100 IOPS and charge for each request.",
	Fix: engine.Fix{
		Text: "Change the type in place. A gp2 volume of more than 170 GiB reaches up to 250 MiB/s and one of more than 1000 GiB more than 3000 IOPS: look at what it uses, and " +
			"order that with it if need be.",
		CLI: `aws ec2 modify-volume --volume-id <volume-id> --volume-type gp3
# with the speed of a large gp2 volume
aws ec2 modify-volume --volume-id <volume-id> --volume-type gp3 --iops <iops> --throughput <mibs>`,
		IaC: `# Terraform, in place
resource "aws_ebs_volume" "this" {
  type = "gp3"
}`,
		Breaks: "Nothing stops. The volume may be slower than either type for some hours while it is changed, and EBS limits how often a volume is changed in a day. Check VolumeReadBytes, VolumeWriteBytes " +
			"and their operations in CloudWatch for peaks above 125 MiB/s or 3000 IOPS.",
		Undo: `aws ec2 modify-volume --volume-id <volume-id> --volume-type gp2
That works as soon as EBS takes a further change of the volume.`,
		Effect: engine.Replaces,
	},
	Reads: []string{"ec2.Volume.Type", "ec2.Volume.State", "ec2.Volume.Manager", "ec2.Volume.SizeGiB", "ec2.Volume.IOPS"},

	Check: engine.Each(func(_ *engine.View, vol *ec2.Volume) engine.Verdict {
		if state := vol.State.Get(); state != "in-use" && state != "available" {
			return engine.NotApplicable("its state is " + state)
		}
		if why := managed(vol.Manager); why != "" {
			return engine.NotApplicable(why)
		}
		switch vol.Type.Get() {
		case "gp2":
			return gp2(vol)
		case "standard":
			return engine.Fail("standard, magnetic storage of a former generation: change it to gp3, which is faster and charges no requests").With("sizeGiB", vol.SizeGiB)
		}
		return engine.Pass() // gp3, or made for a special load
	}),
})

// gp2 describes the failure of a volume of that type, with what gp3 saves at the same speed. Source of the throughput:
// EBS User Guide, "General Purpose SSD volumes": 128 MiB/s up to 170 GiB, up to 250 MiB/s above.
func gp2(vol *ec2.Volume) engine.Verdict {
	saving, text := any("unknown"), ""
	size, known := vol.SizeGiB.Lookup()
	iops, known2 := vol.IOPS.Lookup()
	throughput := 128
	if size > 170 {
		throughput = 250
	}
	old, ok := price.EBSMonthly("gp2", size, iops, 0)
	plain, ok2 := price.EBSMonthly("gp3", size, 0, 0)
	same, ok3 := price.EBSMonthly("gp3", size, iops, throughput)
	if known && known2 && ok && ok2 && ok3 {
		saving = cents(max(0, old-same))
		text = fmt.Sprintf(". It saves about %.2f USD a month, or %.2f if it must stay as fast as at best (%s)", old-plain, max(0, old-same), price.Basis())
	}
	return engine.Fail("gp2: change it to gp3 in place"+text).With("sizeGiB", vol.SizeGiB).With("iops", vol.IOPS).With("monthlySavingUSD", saving).
		With("monthlySavingBasis", "estimate at equal IOPS and throughput, "+price.Basis())
}
