# Everything here needs only Go, except for oracle and managed (Python 3 with moto), iac (Terraform) and browser (Chromium, and npm for axe-core).

.PHONY: build test test-otel adaptive race lint dce docs templ iac managed licenses release bench bench-store oracle browser fuzz

build:
	go build -o bin/scanner ./cmd/scanner

# The whole test suite. Nothing in it reaches the network or waits for a clock.
test:
	go test ./...

# The exporter of spans, which the default build leaves out.
test-otel:
	go vet -tags otel ./cmd/scanner
	go test -tags otel -count=1 -run TestSpans ./cmd/scanner

# The limiter against the SDK's adaptive retryer, by a simulated clock: see docs/architecture.md.
adaptive:
	go test -count=1 -v -run TestLimiterOrAdaptive ./internal/collect -adaptive

# Races, in all that links no big service client, and in two small ones.
race:
	go test -race ./internal/model/... ./internal/engine/... ./frameworks ./internal/report ./internal/price ./internal/policy ./internal/collect ./internal/collect/sqs ./internal/collect/kms ./internal/strictyaml ./internal/match ./internal/waiver ./internal/config ./internal/mutelist ./internal/server/... ./internal/notify/... ./internal/cause ./internal/secret ./internal/ships ./internal/review ./internal/lockfile ./rules/...

lint:
	@test -z "$$(gofmt -l cmd deploy examples frameworks internal rules tools)" || { gofmt -l cmd deploy examples frameworks internal rules tools; echo "run gofmt -w on these"; exit 1; }
	go vet ./...
	cd tools && go build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	bin/staticcheck ./...
	cd tools && go build -o ../bin/actionlint github.com/rhysd/actionlint/cmd/actionlint
	bin/actionlint -shellcheck= -pyflakes= examples/github/*.yml
	cd tools && go vet ./kube && go build -o ../bin/kube ./kube
	bin/kube deploy/kubernetes/namespace.yaml deploy/kubernetes/sqlite.yaml deploy/kubernetes/postgres.yaml

# The linker drops unused methods of the AWS SDK only if nothing looks methods up by name (text/template does):
# losing that costs a third of the binary. The client of Security Hub takes 5.5 MB by itself: a finding may hold the details of a hundred kinds of resources.
dce:
	@n=$$(go build -ldflags=-dumpdep -o bin/scanner ./cmd/scanner 2>&1 | grep -c ReflectMethod); \
	  if [ "$$n" != 0 ]; then echo "the binary looks up methods by name in $$n places: see go build -ldflags=-dumpdep"; exit 1; fi; \
	  size=$$(wc -c < bin/scanner); \
	  if [ "$$size" -gt 78000000 ]; then echo "the binary has $$size bytes, more than 78000000"; exit 1; fi; \
	  echo "dead-code elimination works, $$size bytes"

# The pages about rules and the schemas of settings and waivers, which tests hold against the code.
docs:
	go test -count=1 -run 'TestSchemas$$' ./internal/config -write
	go run ./cmd/scanner rules --markdown docs/rules
	go test -count=1 -run TestDocument ./internal/server -write

# The pages of the server, out of internal/server/page/*.templ, which a test holds against these.
templ:
	cd tools && go build -o ../bin/templ github.com/a-h/templ/cmd/templ
	bin/templ generate -path internal/server/page

# The Terraform that rules give, that of the role and that of its stack sets, held against the AWS provider in the folder PROVIDERS, a file system mirror;
# writes rules/testdata/terraform.txt.
iac:
	go test -count=1 -run TestTerraform ./rules -terraform $(abspath $(PROVIDERS))
	go test -count=1 -run TestTerraform ./deploy -terraform $(abspath $(PROVIDERS))
	go test -count=1 -run TestRoleFiles ./cmd/scanner -terraform $(abspath $(PROVIDERS))

# What the AWS managed policies grant, for scanner permissions --compare, out of the newest moto.
managed:
	python3 cmd/scanner/data/managed.py > cmd/scanner/data/managed.json.new && mv cmd/scanner/data/managed.json.new cmd/scanner/data/managed.json

# The licences of all that is linked, which a test holds against the modules.
licenses:
	go run ./internal/release/make -licenses internal/licenses/licenses.txt.gz

# Everything that people download, into dist. VERSION=1.2.3 names it, PLATFORMS=linux/amd64 narrows it; each platform compiles the AWS SDK anew.
release:
	rm -rf dist
	go run ./internal/release/make -version "$(VERSION)" -platforms "$(PLATFORMS)"

# Speed and memory; writes docs/benchmarks.md. Half of it is scans that wait, as for AWS.
bench:
	go test -run '^$$' -bench . -benchtime 2x -timeout 30m ./internal/bench | go run ./internal/bench/write

# What people and scans wait for when a thousand scans of 50 000 findings are kept, on SQLite and PostgreSQL; writes docs/benchmarks-store.md. On a machine with
# other work it takes a quarter of an hour; go test -run '^$$' -bench Store ./internal/store -scans 100 -failures 5000 is quick.
bench-store:
	go test -run '^$$' -bench Store -benchtime 3x -timeout 60m ./internal/store | go run ./internal/bench/write -store

# The built binary against an independent account served by moto, with faults in between.
oracle:
	go test -v -count=1 -timeout 30m ./internal/oracle -oracle=on

# HTML reports and the pages of the server in a real browser, with axe-core for accessibility. The tests are part of make test, which leaves them out where there is no browser.
browser: bin/axe.min.js bin/node_modules
	go test -v -count=1 -timeout 15m ./internal/browsertest -browser
	go test -v -count=1 -timeout 15m -run TestBrowser ./internal/server -browser

bin/node_modules:
	mkdir -p bin
	cd bin && npm install --silent --no-save --no-package-lock --prefix . playwright-core@1.65.1 axe-core@4.14.1

bin/axe.min.js:
	mkdir -p bin
	cd bin && npm pack --silent axe-core@4.14.1 && tar -xzf axe-core-4.14.1.tgz --strip-components=1 package/axe.min.js && rm axe-core-4.14.1.tgz

fuzz:
	go test -fuzz FuzzLoad -fuzztime 60s ./internal/engine
	go test -run '^$$' -fuzz FuzzDecode -fuzztime 60s ./internal/strictyaml
	go test -run '^$$' -fuzz FuzzRead -fuzztime 60s ./internal/waiver
	go test -run '^$$' -fuzz FuzzLoad -fuzztime 60s ./internal/config
	go test -run '^$$' -fuzz FuzzTranslate -fuzztime 60s ./internal/mutelist
	go test -run '^$$' -fuzz FuzzRoleTellsNoAddress -fuzztime 60s ./internal/cause
	go test -run '^$$' -fuzz FuzzParse -fuzztime 60s ./internal/policy
	go test -run '^$$' -fuzz FuzzEvaluate -fuzztime 60s ./internal/policy
	go test -run '^$$' -fuzz FuzzNetwork -fuzztime 60s ./internal/policy
