// Package ec2 holds the rules about Amazon EC2, EBS and VPC.
package ec2

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/price"
)

// Rules lists every rule in this folder.
var Rules engine.Set

// exemptTags are tags that except what has them: key -> glob of the value.
type exemptTags map[string]string

func (e exemptTags) check() error {
	if _, empty := e[""]; empty {
		return errors.New("no key of exempt_tags may be empty")
	}
	return nil
}

// reads returns attributes if there is a tag to look for.
func (e exemptTags) reads(attributes ...string) []string {
	if len(e) == 0 {
		return nil
	}
	return attributes
}

// excuse says why something is excepted, or "".
func (e exemptTags) excuse(what string, attr model.Attr[map[string]string]) string {
	if len(e) == 0 {
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(e)) {
		if value, ok := attr.Get()[key]; ok && engine.Match(e[key], value) {
			return fmt.Sprintf("%s has the tag %s=%s of exempt_tags", what, key, value)
		}
	}
	return ""
}

// managed says that nobody in the account can change a resource, or "". Source: EC2 User Guide, "Amazon EC2 managed instances".
func managed(by model.Attr[string]) string {
	if by.Get() == "" {
		return ""
	}
	return by.Get() + " manages it: the account cannot change it"
}

// either and every go on past conditions that are not known, as long as another one decides.
func either(conditions ...func() bool) bool {
	return engine.Of(conditions).Any(func(c func() bool) bool { return c() })
}

func every(conditions ...func() bool) bool {
	return engine.Of(conditions).All(func(c func() bool) bool { return c() })
}

// gone reports whether an instance is terminated or about to be: EC2 lists it for an hour more.
func gone(i *ec2.Instance) bool {
	state := i.State.Get()
	return state == "terminated" || state == "shutting-down"
}

// ofGroup marks the failure of an instance as one that the launch template of its Auto Scaling group clears for all of them.
func ofGroup(fail engine.Verdict, i *ec2.Instance) engine.Verdict {
	if group, _ := i.AutoScalingGroup.Lookup(); group != "" {
		fail.FixKey = i.Region + "/" + group
	}
	return fail.With("autoScalingGroup", i.AutoScalingGroup)
}

// monthly returns what a volume costs, if all that it depends on is known.
func monthly(vol *ec2.Volume) (usd float64, ok bool) {
	volumeType, a := vol.Type.Lookup()
	size, b := vol.SizeGiB.Lookup()
	iops, c := vol.IOPS.Lookup()
	throughput, d := vol.ThroughputMiBs.Lookup()
	usd, ok = price.EBSMonthly(volumeType, size, iops, throughput)
	return usd, ok && a && b && c && d
}

func cents(usd float64) float64 { return math.Round(usd*100) / 100 }

// Interfaces by the security groups on them, and by the VPC and the subnet that they are in.
var (
	interfacesWith = engine.NewIndex(func(n *ec2.NetworkInterface) []string { return n.Groups.Get() })
	interfacesIn   = engine.NewIndex(func(n *ec2.NetworkInterface) []string { return []string{n.VPC.Get(), n.Subnet.Get()} })
)
