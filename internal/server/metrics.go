package server

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"awsscanner/internal/engine"
	"awsscanner/internal/store"
)

// Metrics is what Prometheus is told. What a process does itself it counts; what the store knows is asked for when somebody asks.
type Metrics struct {
	Registry *prometheus.Registry // others may add what they count

	requests  *prometheus.CounterVec
	took      *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	following prometheus.Gauge
	refused   prometheus.Counter
	calls     *prometheus.CounterVec
	throttles *prometheus.CounterVec
	lasted    prometheus.Histogram
}

// NewMetrics makes metrics of which nothing has been counted.
func NewMetrics() *Metrics {
	m := &Metrics{
		Registry:  prometheus.NewRegistry(),
		requests:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "scanner_http_requests_total", Help: "Requests that were answered."}, []string{"route", "method", "status"}),
		took:      prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "scanner_http_request_seconds", Help: "How long answers took.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"route"}),
		inFlight:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "scanner_http_requests_in_flight", Help: "Requests that are being answered."}),
		following: prometheus.NewGauge(prometheus.GaugeOpts{Name: "scanner_http_following", Help: "Pages that follow a scan."}),
		refused:   prometheus.NewCounter(prometheus.CounterOpts{Name: "scanner_http_sign_in_failures_total", Help: "Tokens and sign-ins that were refused."}),
		calls:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "scanner_aws_calls_total", Help: "Calls to AWS that this process has made."}, []string{"service"}),
		throttles: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "scanner_aws_throttles_total", Help: "Calls to AWS of this process that were throttled."}, []string{"service"}),
		lasted:    prometheus.NewHistogram(prometheus.HistogramOpts{Name: "scanner_scan_seconds", Help: "How long scans took that were done in this process.", Buckets: []float64{10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400}}),
	}
	m.Registry.MustRegister(m.requests, m.took, m.inFlight, m.following, m.refused, m.calls, m.throttles, m.lasted)
	prometheus.WrapRegistererWithPrefix("scanner_", m.Registry).MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Called counts calls to a service of AWS, and how many of them were throttled.
func (m *Metrics) Called(service string, calls, throttled int) {
	m.calls.WithLabelValues(service).Add(float64(calls))
	m.throttles.WithLabelValues(service).Add(float64(throttled))
}

// Scanned notes how long a scan took that this process has ended.
func (m *Metrics) Scanned(took time.Duration) { m.lasted.Observe(took.Seconds()) }

func (m *Metrics) answered(route, method string, status int, took time.Duration) {
	switch method {
	case "GET", "HEAD", "POST", "DELETE":
	default:
		method = "other" // whoever asks chooses it
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(route).Observe(took.Seconds())
}

// register adds what the store knows.
func (m *Metrics) register(s *Server) { m.Registry.MustRegister(&stored{s}) }

// stored asks the store.
type stored struct{ *Server }

var (
	upMetric         = prometheus.NewDesc("scanner_store_up", "Whether the store answers.", nil, nil)
	bytesMetric      = prometheus.NewDesc("scanner_store_bytes", "How large the database is.", nil, nil)
	connectionMetric = prometheus.NewDesc("scanner_store_connections", "Connections to the database.", []string{"state"}, nil)
	waitMetric       = prometheus.NewDesc("scanner_store_wait_seconds_total", "How long was waited for a connection to the database.", nil, nil)
	scansMetric      = prometheus.NewDesc("scanner_scans", "Scans that the store knows.", []string{"stream", "state"}, nil)
	lastMetric       = prometheus.NewDesc("scanner_last_scan_timestamp_seconds", "When the last scan began that is done.", []string{"stream"}, nil)
	lastTookMetric   = prometheus.NewDesc("scanner_last_scan_seconds", "How long the last scan took that is done.", []string{"stream"}, nil)
	lastCallsMetric  = prometheus.NewDesc("scanner_last_scan_calls", "Calls to AWS of the last scan that is done.", []string{"stream"}, nil)
	lastThrMetric    = prometheus.NewDesc("scanner_last_scan_throttles", "Calls to AWS of the last scan that were throttled.", []string{"stream"}, nil)
	findingsMetric   = prometheus.NewDesc("scanner_findings", "Open findings that nobody has waived.", []string{"stream", "severity"}, nil)
	pillarMetric     = prometheus.NewDesc("scanner_findings_by_pillar", "Open findings that nobody has waived. One that is of several pillars counts under each.", []string{"stream", "pillar", "severity"}, nil)
	waivedMetric     = prometheus.NewDesc("scanner_findings_waived", "Open findings that somebody has waived.", []string{"stream"}, nil)
	unseenMetric     = prometheus.NewDesc("scanner_findings_not_assessed", "Open findings that the last scan could not look at.", []string{"stream"}, nil)
	cellsMetric      = prometheus.NewDesc("scanner_coverage_cells", "Rules times accounts and regions of the last scan.", []string{"stream", "account"}, nil)
	assessedMetric   = prometheus.NewDesc("scanner_coverage_assessed_cells", "Of these, those without a gap.", []string{"stream", "account"}, nil)
	queueMetric      = prometheus.NewDesc("scanner_queue_jobs", "Jobs of the queue.", []string{"state"}, nil)
	oldestMetric     = prometheus.NewDesc("scanner_queue_oldest_seconds", "How long the first job has been waiting.", nil, nil)
	versionMetric    = prometheus.NewDesc("scanner_info", "Which scanner it is.", []string{"version"}, nil)
)

func (stored) Describe(chan<- *prometheus.Desc) {} // it depends on what there is

func (x stored) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(versionMetric, 1, x.Version)
	db := x.Store.DB.Stats()
	gauge(connectionMetric, float64(db.InUse), "used")
	gauge(connectionMetric, float64(db.Idle), "idle")
	to <- prometheus.MustNewConstMetric(waitMetric, prometheus.CounterValue, db.WaitDuration.Seconds())
	up := 1.
	if err := x.fromStore(ctx, gauge); err != nil {
		up = 0
		x.Log.Error("metrics of the store are not known", "error", err.Error())
	}
	gauge(upMetric, up)
	if x.Queue == nil {
		return
	}
	q, err := x.Queue(ctx)
	if err != nil {
		x.Log.Error("metrics of the queue are not known", "error", err.Error())
		return
	}
	for state, n := range q.Jobs {
		gauge(queueMetric, float64(n), state)
	}
	waits := 0.
	if !q.Oldest.IsZero() {
		waits = x.Now().Sub(q.Oldest).Seconds()
	}
	gauge(oldestMetric, waits)
}

func (x stored) fromStore(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) error {
	sizes, err := x.Store.Sizes(ctx)
	if err != nil {
		return err
	}
	gauge(bytesMetric, float64(sizes.Bytes))
	for stream, of := range sizes.Scans {
		for _, state := range []store.State{store.Waiting, store.Running, store.Done, store.Failed, store.Cancelled} {
			gauge(scansMetric, float64(of[state]), stream, string(state))
		}
		if of[store.Done] == 0 {
			continue
		}
		k, err := x.sums.get(ctx, stream)
		if err != nil {
			return err
		}
		for severity := engine.Informational; severity <= engine.Critical; severity++ {
			gauge(findingsMetric, float64(k.All.Open[severity]), stream, severity.String())
			for _, p := range engine.Pillars {
				n := 0
				if c := k.Pillars[p]; c != nil {
					n = c.Open[severity]
				}
				gauge(pillarMetric, float64(n), stream, string(p), severity.String())
			}
		}
		gauge(waivedMetric, float64(k.All.Waived), stream)
		gauge(unseenMetric, float64(k.All.NotAssessed), stream)
		for _, c := range k.coverage {
			gauge(cellsMetric, float64(c.Cells), stream, c.Account)
			gauge(assessedMetric, float64(c.Assessed), stream, c.Account)
		}
		last, h := &k.last, &k.head
		gauge(lastMetric, float64(last.Started.Unix()), stream)
		gauge(lastTookMetric, last.Finished.Sub(last.Started).Seconds(), stream)
		gauge(lastCallsMetric, float64(h.Scan.Calls), stream)
		gauge(lastThrMetric, float64(h.Scan.Throttled), stream)
	}
	return nil
}

func (c *call) getMetrics() (any, error) {
	promhttp.HandlerFor(c.Metrics.Registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4}).ServeHTTP(c.w, c.r)
	return nil, nil
}
