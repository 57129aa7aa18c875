package ec2

import (
	"fmt"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/price"
)

type addressAssociated struct {
	FlagStoppedInstance bool `json:"flag_stopped_instance"` // also what is associated with something that does not run
}

func (p *addressAssociated) Reads() []string {
	if p.FlagStoppedInstance {
		return []string{"ec2.Address.Instance", "ec2.Address.Interface", "ec2.Instance.State", "ec2.NetworkInterface.Status"}
	}
	return nil
}

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-eip-associated",
	Title:    "Elastic IP addresses are associated with something that runs",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.CostOptimization, engine.Sustainability},
	Why: "Every public IPv4 address is charged by the hour, in use or not. One that leads nowhere costs for nothing, and a DNS record that still points at it " +
		"will lead to a stranger once it is released carelessly.",
	Fix: engine.Fix{
		Text: "Look first for DNS records and allow-lists of partners that name the address, and remove it there. Then release it; of a stopped instance or an idle interface disassociate it before. " +
			"An address that partners know can seldom be had back: keep it if it is needed again.",
		CLI: `aws ec2 disassociate-address --association-id <association-id>
aws ec2 release-address --allocation-id <allocation-id>`,
		IaC: `# Terraform: remove the aws_eip that has neither instance nor network_interface`,
		Breaks: "Whatever names the address by number reaches nothing, or later somebody else. Search the hosted zones of all accounts and the allow-lists of partners for it. " +
			"A stopped instance starts without a public address.",
		Undo: `aws ec2 allocate-address --address <address>
That works only as long as AWS has given it to nobody else.`,
		Effect: engine.Destroys,
	},
	Reads: []string{"ec2.Address.Association", "ec2.Address.Manager", "ec2.Address.Pool", "ec2.Address.IP"},

	Check: engine.EachWith(addressAssociated{FlagStoppedInstance: true}, func(v *engine.View, p *addressAssociated, a *ec2.Address) engine.Verdict {
		if by := a.Manager.Get(); by != "" {
			return engine.NotApplicable(by + " manages it: the account cannot release it")
		}
		if pool := a.Pool.Get(); pool != "amazon" && pool != "" { // addresses of a pool are paid for by the pool, or not at all
			return engine.NotApplicable("it is of the pool " + pool + ", and costs nothing by itself")
		}
		idle := ""
		switch {
		case a.Association.Get() == "":
			idle = "AssociationId is missing: associated with nothing"
		case p.FlagStoppedInstance:
			idle = leadsTo(v, a)
		}
		if idle == "" {
			return engine.Pass()
		}
		usd := price.PublicIPv4Monthly()
		return engine.Fail(idle+fmt.Sprintf(". Release it, if nobody knows it by number. It costs about %.2f USD a month (%s)", usd, price.Basis())).
			With("publicIp", a.IP).With("monthlyCostUSD", cents(usd)).With("monthlyCostBasis", "estimate, "+price.Basis())
	}),
})

// leadsTo says that an address leads to what does not run, or "". What is not listed belongs to another account.
func leadsTo(v *engine.View, a *ec2.Address) string {
	if id := a.Instance.Get(); id != "" {
		if i, ok := engine.Find[*ec2.Instance](v, id); ok && i.State.Get() == "stopped" {
			return "associated with " + id + ", which is stopped"
		}
		return ""
	}
	if id := a.Interface.Get(); id != "" {
		if n, ok := engine.Find[*ec2.NetworkInterface](v, id); ok && n.Status.Get() == "available" {
			return "associated with the interface " + id + ", which is attached to nothing"
		}
	}
	return ""
}
