package price

import "strings"

// A Request is what AWS charges for calls of an operation.
type Request struct {
	USD  float64 // at most, for one request
	Note string  // for people: what the price hangs on
}

// RequestOf returns the list price of an operation, "ce:GetCostAndUsage". Most operations that describe are free of charge. Sources, all of 2026-11:
//   - Cost Explorer: its pricing page: USD 0.01 for each request, and for each page of an answer.
//   - CloudWatch: its pricing page: GetMetricData USD 0.01 for 1 000 metrics requested, and it takes 500 a request (API Reference);
//     GetMetricStatistics, ListMetrics and GetMetricWidgetImage USD 0.01 for 1 000 requests.
//   - KMS: its pricing page: USD 0.03 for 10 000 requests, 20 000 a month are free. It names no operations that would not count.
//   - Secrets Manager: its pricing page: USD 0.05 for 10 000 calls.
//   - S3: its pricing page, us-east-1: LIST requests USD 0.005 for 1 000, GET and all others USD 0.0004 for 1 000.
func RequestOf(op string) (r Request, priced bool) {
	service, name, _ := strings.Cut(op, ":")
	switch {
	case service == "ce":
		return Request{0.01, "USD 0.01 a request"}, true
	case op == "cloudwatch:GetMetricData":
		return Request{500 * 0.01 / 1000, "USD 0.01 for 1000 metrics, up to 500 a request"}, true
	case op == "cloudwatch:GetMetricStatistics", op == "cloudwatch:ListMetrics", op == "cloudwatch:GetMetricWidgetImage":
		return Request{0.01 / 1000, "USD 0.01 for 1000 requests, after a million free ones a month"}, true
	case service == "kms":
		return Request{0.03 / 10000, "USD 0.03 for 10000 requests, after 20000 free ones a month"}, true
	case service == "secretsmanager":
		return Request{0.05 / 10000, "USD 0.05 for 10000 requests"}, true
	case service == "s3" && strings.HasPrefix(name, "List"):
		return Request{0.005 / 1000, "USD 0.005 for 1000 requests"}, true
	case service == "s3":
		return Request{0.0004 / 1000, "USD 0.0004 for 1000 requests"}, true
	}
	return Request{}, false
}
