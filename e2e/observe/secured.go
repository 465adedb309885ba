package observe

import "github.com/coastwise/coastwise/e2e/authority"

// The secrets of every world: credential trusts the backends' CA and shows a
// certificate for somebody, stranger trusts another CA.
const (
	credential = "web"
	stranger   = "stranger"
)

// writeCredentials writes both into a folder.
func (l *Lab) writeCredentials(dir string) error {
	chain, key := l.ca.Issue("somebody")
	if err := l.ca.WriteCredential(dir, credential, chain, key); err != nil {
		return err
	}
	other, err := authority.New("another CA")
	if err != nil {
		return err
	}
	return other.WriteCredential(dir, stranger, chain, key)
}

func secured() []Observation {
	row := func(name string) []string { return policy("tls." + name) }
	set := func(tls, want string) Side {
		return Side{Policy: "{tls: {" + tls + "}}", Slice: SliceShape{TLS: true}, Want: want}
	}
	tcp := func(tls, want string) Side {
		return Side{
			Policy: "{tls: {" + tls + "}}", Annotations: "networking.coastwise.dev/listen: 'db=LISTENS'",
			Ports: "[{name: db, port: 80}]", Slice: SliceShape{TLS: true, PortName: "db"}, Want: want,
		}
	}
	const named = "mode: SIMPLE, credentialName: web, subjectAltNames: [shop.example]"
	return []Observation{
		{
			Name: "tls", Rows: row("mode"), Measure: asked(plain, statusOf),
			With:    set(named, "200"),
			Without: Side{Slice: SliceShape{TLS: true}, Want: "400"},
		},
		{
			Name: "tls-mode", Rows: row("mode"), Measure: asked(plain, func(a Answer) string { return a.Begin + ", " + a.Peer }),
			With:    set("mode: MUTUAL, credentialName: web, subjectAltNames: [shop.example]", "TLS, HTTP, somebody"),
			Without: set(named, "TLS, HTTP, "),
		},
		{
			Name: "tls-off", Rows: row("mode"), Measure: asked(plain, statusOf),
			With:    set("mode: DISABLE", "400"),
			Without: set(named, "200"),
		},
		{
			Name: "credential", Rows: row("credentialName"), Measure: asked(plain, statusOf),
			With:    set(named, "200"),
			Without: set("mode: SIMPLE, credentialName: stranger, subjectAltNames: [shop.example]", "503"),
		},
		{
			Name: "names", Rows: row("subjectAltNames"), Measure: asked(plain, statusOf),
			With:    set(named, "200"),
			Without: set("mode: SIMPLE, credentialName: web, subjectAltNames: [wrong.example]", "503"),
		},
		{
			Name: "names-tcp", Rows: row("subjectAltNames"), Measure: carried,
			With:    tcp("mode: SIMPLE, credentialName: web, subjectAltNames: [wrong.example]", "not answered, closed"),
			Without: tcp("mode: SIMPLE, credentialName: web", "answered, open"),
		},
		{
			Name: "sni", Rows: row("sni"), Measure: asked(Request{}, func(a Answer) string { return a.SNI }),
			With:    set("mode: SIMPLE, credentialName: web, sni: front.example", "front.example"),
			Without: set("mode: SIMPLE, insecureSkipVerify: true", "sni-without.default"),
		},
		{
			Name: "unverified", Rows: row("insecureSkipVerify"), Measure: asked(plain, statusOf),
			With:    set("mode: MUTUAL, credentialName: stranger, insecureSkipVerify: true", "200"),
			Without: set("mode: MUTUAL, credentialName: stranger", "503"),
		},
	}
}
