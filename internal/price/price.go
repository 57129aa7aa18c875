// Package price estimates what resources cost in a month, by the list prices of one region.
package price

import (
	_ "embed"
	"encoding/json"
	"sync"
)

//go:embed prices.json
var data []byte

var prices = sync.OnceValue(func() (p struct {
	Date   string `json:"date"` // of the price list, YYYY-MM-DD
	Region string `json:"region"`
	EBS    map[string]struct {
		GiB        float64 `json:"gib"`
		IOPS       []tier  `json:"iops"`
		Throughput []tier  `json:"throughput"` // MiB/s
	} `json:"ebs"`
	PublicIPv4Hour float64 `json:"publicIPv4Hour"`
}) {
	if err := json.Unmarshal(data, &p); err != nil {
		panic("prices.json: " + err.Error())
	}
	return p
})

// A tier is the price of each unit above a number of them, up to where the next tier begins.
type tier struct {
	Above int     `json:"above"`
	USD   float64 `json:"usd"`
}

// Basis says for people which prices the estimates are made of.
func Basis() string { return "list prices in " + prices().Region + " of " + Date() }

// Date returns the day of the price list, as 2006-01-02.
func Date() string { return prices().Date }

// EBSMonthly estimates what a volume costs in a month, attached or not. Requests to magnetic volumes, which are
// charged one by one, are left out. It is not ok for a type without a price.
func EBSMonthly(volumeType string, sizeGiB, iops, throughputMiBs int) (usd float64, ok bool) {
	p, ok := prices().EBS[volumeType]
	return float64(sizeGiB)*p.GiB + sum(p.IOPS, iops) + sum(p.Throughput, throughputMiBs), ok
}

// hours is how many a month has on average, as AWS counts.
const hours = 730

// PublicIPv4Monthly returns what a public IPv4 address costs in a month, whether it leads somewhere or not.
func PublicIPv4Monthly() float64 { return hours * prices().PublicIPv4Hour }

func sum(tiers []tier, n int) (usd float64) {
	for i, t := range tiers {
		end := n
		if i+1 < len(tiers) {
			end = min(n, tiers[i+1].Above)
		}
		usd += float64(max(0, end-t.Above)) * t.USD
	}
	return usd
}
