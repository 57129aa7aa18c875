package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"awsscanner/internal/server"
	"awsscanner/internal/store"
)

func tokensCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "tokens",
		Short: "Let programs and people in to the pages and the API of scanner serve",
		Long: `Tokens are what programs and people sign in with. They are kept in the database of scanner serve, of each no more than a hash: a token is shown once, when
it is made. Viewers read, operators start and end scans too, admins let others in.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var p place
	p.flags(c.PersistentFlags())
	c.AddCommand(tokensCreateCommand(&p), tokensListCommand(&p), tokensRevokeCommand(&p))
	return c
}

// byHand begins a line of the audit log about what is done on this machine.
func byHand() store.Action {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, _ := os.Hostname()
	return store.Action{At: time.Now().UTC(), Actor: strings.TrimSuffix(name+" on "+host, " on "), Role: "command line"}
}

// tokenError ends the program by what a server would refuse.
func tokenError(err error) error {
	var wrong *server.Refusal
	if errors.As(err, &wrong) {
		return usage("%s", wrong.Text)
	}
	return failed("%s", err)
}

var lasting = regexp.MustCompile(`^([1-9][0-9]{0,3})d$`)

// expiry reads when a token ends.
func expiry(text string, now time.Time) (time.Time, error) {
	if text == "never" {
		return time.Time{}, nil
	}
	if m := lasting.FindStringSubmatch(text); m != nil {
		days, _ := strconv.Atoi(m[1])
		return now.AddDate(0, 0, days), nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil // the day itself is its last
	}
	return time.Time{}, usage("--expires: %q is no time: write a number of days as 90d, its last day as YYYY-MM-DD, or never", text)
}

func tokensCreateCommand(p *place) *cobra.Command {
	var name, role, expires, format string
	c := &cobra.Command{
		Use:   "create --name NAME --role ROLE",
		Short: "Make a token, and write it to standard output: nobody can see it again",
		Example: `  scanner tokens create --name ci --role viewer
  scanner tokens create --name deploy --role operator --expires 30d --data /var/lib/scanner`,
		Args: cobra.NoArgs,
	}
	f := c.Flags()
	f.StringVar(&name, "name", "", "whose it is, as logs tell it")
	f.StringVar(&role, "role", "", "viewer, operator or admin")
	f.StringVar(&expires, "expires", "365d", "when it ends: a number of days as 90d, its last day as YYYY-MM-DD, or never")
	f.StringVarP(&format, "output", "o", "text", "text or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := oneOf("-o", format, []string{"text", "json"}); err != nil {
			return err
		}
		if name == "" {
			return usage("a token needs a name: say by --name whose it is")
		}
		if role == "" {
			return usage("a token needs a role: give --role viewer, operator or admin")
		}
		if err := oneOf("--role", role, []string{"viewer", "operator", "admin"}); err != nil {
			return err
		}
		t, by := server.NewToken{Name: name}, byHand()
		if err := t.Role.UnmarshalText([]byte(role)); err != nil {
			return usage("--role: %s", err)
		}
		var err error
		if t.Expires, err = expiry(expires, by.At); err != nil {
			return err
		}
		s, _, err := p.open(c.Context())
		if err != nil {
			return err
		}
		defer s.Close()
		id, token, err := server.CreateToken(c.Context(), s, t, by)
		if err != nil {
			return tokenError(err)
		}
		if format == "json" {
			return encode(c.OutOrStdout(), struct {
				ID      string    `json:"id"`
				Name    string    `json:"name"`
				Role    string    `json:"role"`
				Expires time.Time `json:"expires,omitzero"`
				Token   string    `json:"token"`
			}{id, t.Name, role, t.Expires, token.Reveal()})
		}
		if _, err := fmt.Fprintln(c.OutOrStdout(), token.Reveal()); err != nil {
			return err
		}
		ends := "never ends"
		if !t.Expires.IsZero() {
			ends = "ends on " + t.Expires.UTC().Format("2006-01-02 15:04 UTC")
		}
		_, err = fmt.Fprintf(c.ErrOrStderr(), "scanner: token %s of %s, %s, %s: keep it now, nobody can see it again\n", id, t.Name, role, ends)
		return err
	}
	return c
}

// A tokenLine is a token as lists tell it.
type tokenLine struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	State   string    `json:"state"` // valid, over or revoked
	Maker   string    `json:"maker"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	Used    time.Time `json:"used,omitzero"` // to about an hour
	Revoked time.Time `json:"revoked,omitzero"`
}

func tokensListCommand(p *place) *cobra.Command {
	var format string
	c := &cobra.Command{Use: "list", Short: "List tokens, without what lets in", Args: cobra.NoArgs}
	c.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := oneOf("-o", format, []string{"table", "json"}); err != nil {
			return err
		}
		s, err := p.existing(c.Context())
		if err != nil {
			return err
		}
		defer s.Close()
		known, err := s.Tokens(c.Context())
		if err != nil {
			return failed("%s", err)
		}
		all := []tokenLine{}
		now := time.Now()
		for i := range known {
			t := &known[i]
			state := "valid"
			switch {
			case !t.Revoked.IsZero():
				state = "revoked"
			case !t.Valid(now):
				state = "over"
			}
			all = append(all, tokenLine{t.ID, t.Name, t.Role, state, t.Maker, t.Created, t.Expires, t.Used, t.Revoked})
		}
		if format == "json" {
			return encode(c.OutOrStdout(), all)
		}
		if len(all) == 0 {
			_, err := fmt.Fprintln(c.OutOrStdout(), "there are no tokens: scanner tokens create makes one")
			return err
		}
		w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tNAME\tROLE\tSTATE\tMADE\tENDS\tLAST USED")
		day := func(t time.Time) string {
			if t.IsZero() {
				return "never"
			}
			return t.UTC().Format(time.DateOnly)
		}
		for _, t := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, t.Role, t.State, day(t.Created), day(t.Expires), day(t.Used))
		}
		return w.Flush()
	}
	return c
}

func tokensRevokeCommand(p *place) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID|NAME", Short: "End a token, and the sessions that were begun with it, at once", Args: cobra.ExactArgs(1),
		Example: `  scanner tokens revoke ci`,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := p.existing(c.Context())
			if err != nil {
				return err
			}
			defer s.Close()
			id, name, err := tokenOf(c.Context(), s, args[0])
			if err != nil {
				return err
			}
			if err := server.RevokeToken(c.Context(), s, id, byHand()); err != nil {
				return tokenError(err)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "token %s of %s is revoked\n", id, name)
			return err
		},
	}
}

// tokenOf finds the token that an ID or a name means: there is at most one valid one of a name.
func tokenOf(ctx context.Context, s *store.Store, text string) (id, name string, err error) {
	all, err := s.Tokens(ctx)
	if err != nil {
		return "", "", failed("%s", err)
	}
	now := time.Now()
	var names []string
	for i := range all {
		t := &all[i]
		if t.ID == text || t.Name == text && t.Valid(now) {
			return t.ID, t.Name, nil
		}
		if t.Valid(now) {
			names = append(names, t.Name)
		}
	}
	slices.Sort(names)
	otherwise := "there is none that is valid"
	if len(names) > 0 {
		otherwise = "there are " + strings.Join(names, ", ")
	}
	return "", "", usage("there is no valid token %.80q: %s", text, didYouMean(text, names, otherwise))
}
