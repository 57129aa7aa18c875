# An image with nothing in it but the scanner and the certificates of public authorities.
#
#   docker build -t scanner .
#   docker run --rm --read-only --tmpfs /state:uid=65532,gid=65532,mode=0700 -v "$PWD:/work" -e AWS_REGION -e AWS_PROFILE -v "$HOME/.aws:/aws:ro" scanner scan -o json=report.json
#
# Pin the images by digest where your rules ask for it: docker buildx imagetools inspect golang:1.26-bookworm
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=0.1.0-dev
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/scanner ./cmd/scanner \
 && mkdir -p /out/state /out/work

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/scanner /usr/local/bin/scanner
# No name to look up in here, so that Kubernetes can see that it is not root.
COPY --from=build --chown=65532:65532 /out/state /state
COPY --from=build --chown=65532:65532 /out/work /work
COPY LICENSE NOTICE /licenses/
ENV HOME=/work XDG_STATE_HOME=/state TMPDIR=/state AWS_CONFIG_FILE=/aws/config AWS_SHARED_CREDENTIALS_FILE=/aws/credentials
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/scanner"]
CMD ["help"]
