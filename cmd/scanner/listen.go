package main

import (
	"context"
	"crypto/tls"
	"net"
	"sync"

	"github.com/spf13/cobra"

	"awsscanner/internal/config"
	"awsscanner/internal/notify"
	vault "awsscanner/internal/secret"
	"awsscanner/internal/server"
	"awsscanner/rules"
)

func serveCommand() *cobra.Command {
	var x service
	var listen string
	var answers []string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Keep accounts under watch: scan by schedule, tell what became worse, since when, and show it on pages and by an API",
		Long: `Serve scans by the schedules of the settings, keeps what was found over time, tells people what became worse, and shows all of it on pages and by
an HTTP API. With a PostgreSQL database scanner worker shares the work on further machines. It listens on this machine only, unless the settings
(server.listen) or --listen say otherwise: beyond it TLS and signing in are demanded. Scanner tokens makes what programs and people sign in with.`,
		Example: `  scanner serve --config scanner.yaml --data /var/lib/scanner
  scanner serve --demo`,
		Args: cobra.NoArgs,
	}
	f := c.Flags()
	x.flags(f)
	f.StringVar(&listen, "listen", "", "`ADDRESS:PORT` of pages and API, in place of the settings (default 127.0.0.1:8080)")
	f.StringArrayVar(&answers, "answers", nil, "what people say in the Well-Architected review, a `FILE` for each person (repeatable), read anew when it changes; default "+defaultAnswers+", if it is there")
	c.RunE = func(c *cobra.Command, _ []string) error {
		set, err := x.served(listen)
		if err != nil {
			return err
		}
		if r := newReviewing(answers); len(answers) > 0 {
			if err := r.begin(); err != nil {
				return err
			}
		}
		l, err := net.Listen("tcp", string(set.Listen))
		if err != nil {
			return usage("it cannot listen on %s: %s", set.Listen, osText(err))
		}
		defer l.Close()
		k, q, err := x.start(c.Context(), c.ErrOrStderr(), true)
		if err != nil {
			return err
		}
		k.metrics = server.NewMetrics()
		reader := vault.Process()
		reader.AWS = deliverer(&notify.Config{}, k.log).FromAWS
		s, err := server.New(c.Context(), server.Options{Store: k.store, Settings: set, Version: version, Rules: rules.All, Secrets: reader, Log: k.log, Metrics: k.metrics, Actions: k.actions(q, answers)})
		if err != nil {
			k.store.Close()
			return usage("%s", err)
		}
		ctx, end := context.WithCancelCause(c.Context())
		defer end(nil)
		tell := k.tell
		k.tell = func(ctx context.Context) { // pages end before the store is closed
			var both sync.WaitGroup
			both.Go(func() { end(s.ServeOn(ctx, l)) })
			k.firstDemo(ctx, q)
			tell(ctx)
			both.Wait()
		}
		if err := k.run(ctx, q); err != nil {
			return err
		}
		if cause := context.Cause(ctx); c.Context().Err() == nil && cause != nil {
			return failed("%s", cause)
		}
		return nil
	}
	return c
}

// served says where pages and API are served, and who may use them.
func (x *service) served(listen string) (config.Server, error) {
	files := x.files
	if len(files) == 0 {
		files = config.Find()
	}
	cfg, err := config.Load(files, nil, settings(nil))
	if err != nil {
		return config.Server{}, mistakes(err)
	}
	set := cfg.Server
	if listen != "" {
		if err := set.Listen.UnmarshalText([]byte(listen)); err != nil {
			return set, usage("--listen: %s", err)
		}
	}
	if set.Listen == "" {
		set.Listen = server.Here
	}
	if set.TLS.CertFile != "" {
		if _, err := tls.LoadX509KeyPair(set.TLS.CertFile, set.TLS.KeyFile); err != nil {
			return set, usage("server.tls: the certificate %s with the key %s cannot be used: %s", set.TLS.CertFile, set.TLS.KeyFile, osText(err))
		}
	}
	return set, nil
}
