package config

import (
	"time"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// Serve is what "intact serve" does. Files are named relative as the config is.
type Serve struct {
	Listen      string        // host:port
	Certificate string        // a file; "" = without TLS
	Key         string        // a file, together with Certificate
	Policy      string        // a file; "" = the default policy
	Grace       time.Duration // how long a pushed image may lack its signature; may be 0
	Endpoints   []Endpoint
	Reconcile   *Reconcile // nil = missed events are not looked for
	Watch       []Watch
	Notify      []Notify
	API         API
	Attest      *Attest // nil = nothing is signed
	Limits      Limits
	Keep        Keep

	pos strictyaml.Pos
}

// An Endpoint is one receiver of webhooks, at /hooks/NAME.
type Endpoint struct {
	Name string
	Kind string // who sends: "distribution", "harbor", …; see the schema
	// Registries are the canonical hosts that events of it may be about, at least
	// one. Bodies only choose among them.
	Registries []string
	// Repositories are those that are looked at; events of others are dropped.
	Repositories policy.Repositories
	Auth         Auth
	MaxBody      int64             // bytes
	Map          map[string]string // the sender's name of a repository -> HOST[/PATH] that images are pulled from

	pos strictyaml.Pos
}

// Auth says how a sender proves who it is.
type Auth struct {
	Type     string // "hmac", "header", "basic", "bearer", "oidc" or "path"
	Header   string // of "header": the one that holds the value
	Username string // of "basic"
	Secret   Secret // of all but "oidc"
	Previous Secret // accepted beside Secret while it is being replaced
	Issuer   string // of "oidc"
	Audience string
	Email    string // "" = any that has Audience
	Subject  string // "" = any that has Audience
}

// A Secret is where a secret is. The zero value is none.
type Secret struct {
	File string
	Env  string // a variable of the environment
}

// Reconcile says where missed events are looked for.
type Reconcile struct {
	Every        time.Duration
	Registries   []string // hosts whose list of repositories is asked for
	Repositories []string // canonical
}

// A Watch compares what runs at a place of contexts.
type Watch struct {
	Context string
	Every   time.Duration
	// PolicyReports is the API in which results are told in the cluster:
	// "openreports" or "wgpolicyk8s"; "" = they are not.
	PolicyReports string
}

// A Notify is a place that is told what happens.
type Notify struct {
	Name   string
	Kind   string   // "slack", "teams" or "cloudevents"
	URL    Secret   // the URL itself is one
	Secret Secret   // of "cloudevents": signs the body; zero = unsigned
	On     []string // kinds of events; nil = all
}

// API says who may ask.
type API struct {
	Tokens []Token
	OIDC   *OIDC
}

// A Token is a fixed bearer token.
type Token struct {
	Name  string
	Role  string // "reader" or "writer"
	Token Secret
}

// OIDC accepts tokens of an issuer.
type OIDC struct {
	Issuer   string
	Audience string
	Roles    []ClaimRole // the first that fits decides; none = refused
}

// A ClaimRole gives a role to tokens with a claim of a value: a text, or a list
// that holds it.
type ClaimRole struct {
	Claim string `yaml:"claim" required:"true" doc:"a claim of the token, such as email or groups"`
	Value string `yaml:"value" required:"true" doc:"its value, or one of its values"`
	Role  string `yaml:"role" required:"true" enum:"reader|writer"`
}

// Attest signs verdicts: with Key, or keyless with Token.
type Attest struct {
	Key      string // a file
	Password Secret
	Keyless  bool
	Token    Secret // an identity token
	Fulcio   string // "" = the public one
	Rekor    string // "" = the public one
	Output   string // a folder for statements; "" = none
	Push     bool   // as a referrer
}

// Limits of the service. None is zero.
type Limits struct {
	Inbox         int           // events that wait; more are answered with 429
	Workers       int           // judged at once
	BodyMemory    int64         // bytes of bodies that are being received at once
	BodyTime      time.Duration // for one body to arrive
	Notifications int           // an hour, for each place
}

// Keep is for how long things are kept in the store. 0 = for ever.
type Keep struct{ Reports, Verdicts, Happenings time.Duration }

// Of serve, where the config says nothing.
const (
	DefaultListen  = "127.0.0.1:8080"
	DefaultGrace   = 10 * time.Minute
	DefaultMaxBody = 3 << 20
	MaxMaxBody     = 8 << 20
)

var defaultLimits = Limits{Inbox: 100_000, Workers: 4, BodyMemory: 64 << 20, BodyTime: 10 * time.Second, Notifications: 120}
