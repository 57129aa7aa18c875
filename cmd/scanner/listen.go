package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

func serveCommand() *cobra.Command {
	var x service
	var listen string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Keep accounts under watch: scan by schedule, and tell what became worse, since when",
		Long: `Serve scans by the schedules of the settings, keeps what was found over time, and says by HTTP whether it is well. With a PostgreSQL
database scanner worker shares the work on further machines. It listens on this machine only, unless --listen says otherwise.`,
		Example: `  scanner serve --config scanner.yaml --data /var/lib/scanner
  scanner serve --demo`,
		Args: cobra.NoArgs,
	}
	f := c.Flags()
	x.flags(f)
	f.StringVar(&listen, "listen", "127.0.0.1:8080", "`ADDRESS:PORT` of the HTTP server")
	c.RunE = func(c *cobra.Command, _ []string) error {
		ctx := c.Context()
		l, err := net.Listen("tcp", listen)
		if err != nil {
			return usage("--listen %s: %s", listen, osText(err))
		}
		defer l.Close()
		if host := l.Addr().(*net.TCPAddr).IP; !host.IsLoopback() {
			return usage("--listen %s would let others in: there is no authentication yet, so listen on 127.0.0.1 and put a proxy before it", listen)
		}
		k, q, err := x.start(ctx, c.ErrOrStderr(), true)
		if err != nil {
			return err
		}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
		mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
			defer cancel()
			if err := k.store.DB.PingContext(ctx); err != nil {
				http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
				return
			}
			fmt.Fprintln(w, "ready")
		})
		server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 1 << 16}
		go func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				k.log.Error("the HTTP server has ended", "error", err)
			}
		}()
		k.log.Info("serving", "address", l.Addr().String(), "database", k.store.Name(), "schedules", len(k.schedules()))
		err = k.run(ctx, q)
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return errors.Join(err, server.Shutdown(stopping))
	}
	return c
}
