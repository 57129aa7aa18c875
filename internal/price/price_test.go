package price

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestEBSMonthly(t *testing.T) {
	for _, c := range []struct {
		volume           string
		size, iops, mibs int
		want             float64
	}{
		{"gp3", 100, 3000, 125, 8},
		{"gp3", 100, 0, 0, 8}, // not reported is not less than free
		{"gp3", 500, 6000, 250, 40 + 15 + 5},
		{"gp2", 100, 300, 0, 10}, // the IOPS of gp2 come with its size
		{"io1", 100, 1000, 0, 12.5 + 65},
		{"io2", 100, 32000, 0, 12.5 + 2080},
		{"io2", 100, 64000, 0, 12.5 + 2080 + 1456},
		{"io2", 100, 100000, 0, 12.5 + 2080 + 1456 + 1146.6},
		{"st1", 500, 0, 0, 22.5},
		{"sc1", 500, 0, 0, 7.5},
		{"standard", 100, 0, 0, 5},
	} {
		if got, ok := EBSMonthly(c.volume, c.size, c.iops, c.mibs); !ok || math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%+v: got %v, %v", c, got, ok)
		}
	}
	if _, ok := EBSMonthly("gp9", 1, 0, 0); ok {
		t.Error("gp9 has a price")
	}
}

func TestPrices(t *testing.T) {
	if _, err := time.Parse(time.DateOnly, Date()); err != nil {
		t.Error(err)
	}
	p := prices()
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields() // a misspelt price would be free of charge
	if err := d.Decode(&struct {
		Source string `json:"source"`
		Date   any    `json:"date"`
		Region any    `json:"region"`
		IPv4   any    `json:"publicIPv4Hour"`
		EBS    any    `json:"ebs"`
	}{EBS: &p.EBS}); err != nil {
		t.Error(err)
	}
	if usd := PublicIPv4Monthly(); math.Abs(usd-3.65) > 1e-6 {
		t.Errorf("a public address costs %v", usd)
	}
	for name, v := range p.EBS {
		if v.GiB <= 0 {
			t.Errorf("%s costs nothing", name)
		}
	}
}
