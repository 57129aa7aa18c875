package ec2

import (
	"fmt"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/policy"
)

// ingress returns the inbound rules of a group, with the prefix lists in them as far as they are known.
func ingress(v *engine.View, g *ec2.SecurityGroup) (rules []policy.Ingress) {
	for _, p := range g.Inbound.Get() {
		name := p.Protocol + " " + fmt.Sprint(p.From)
		switch {
		case p.Protocol == "-1":
			name = "all traffic"
		case p.From != p.To:
			name += "-" + fmt.Sprint(p.To)
		}
		rule := policy.Ingress{Name: name, Protocol: p.Protocol, From: p.From, To: p.To, IPv4: p.IPv4, IPv6: p.IPv6}
		for _, id := range p.PrefixLists {
			list := policy.PrefixList{ID: id}
			engine.Of([]string{id}).Count(func(id string) bool { // goes on past what is not known
				list.Entries = entries(v, id)
				list.Known = true
				return true
			})
			rule.PrefixLists = append(rule.PrefixLists, list)
		}
		rules = append(rules, rule)
	}
	return rules
}

// entries returns what is in a prefix list; in one that is not there is nothing.
func entries(v *engine.View, id string) []string {
	list, ok := engine.Find[*ec2.PrefixList](v, id)
	if !ok {
		return nil
	}
	return list.CIDRs.Get()
}

// unclear ends a rule that hangs on a rule of a group that it cannot tell: on a prefix list that could not be read, if there is one.
func unclear(v *engine.View, g *ec2.SecurityGroup, text string) engine.Verdict {
	for _, id := range g.Inbound.Get().References() {
		entries(v, id)
	}
	return engine.Unsure(model.TooLittleData, text)
}

// attached returns an interface that has a group.
func attached(v *engine.View, g *ec2.SecurityGroup) (*ec2.NetworkInterface, bool) {
	return interfacesWith.At(v, g.ID).First(func(*ec2.NetworkInterface) bool { return true })
}
