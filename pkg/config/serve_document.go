package config

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

type serveDoc struct {
	Listen    string        `yaml:"listen" doc:"host:port; default 127.0.0.1:8080"`
	TLS       *tlsDoc       `yaml:"tls" doc:"read again when they change"`
	Policy    string        `yaml:"policy" doc:"a policy file, relative to this one; default: the default policy"`
	Grace     duration      `yaml:"grace" doc:"how long a pushed image may lack its signature; default 10m"`
	Endpoints []endpointDoc `yaml:"endpoints" doc:"receivers of webhooks, at /hooks/NAME"`
	Reconcile *reconcileDoc `yaml:"reconcile" doc:"looks for events that did not arrive"`
	Watch     []watchDoc    `yaml:"watch" doc:"places of contexts; what runs there is compared on a schedule"`
	Notify    []notifyDoc   `yaml:"notify" doc:"who is told"`
	API       *apiDoc       `yaml:"api" doc:"who may ask"`
	Attest    *attestDoc    `yaml:"attest" doc:"signs verdicts; nothing is signed without it"`
	Limits    *limitsDoc    `yaml:"limits"`
	Keep      *keepDoc      `yaml:"keep" doc:"for how long; what tags meant is kept for ever, and what is not named here, too"`
}

type keepDoc struct {
	Reports    duration `yaml:"reports" doc:"whole reports of verdicts but the last of each tag, such as 2160h"`
	Verdicts   duration `yaml:"verdicts" doc:"verdicts but the last of each tag"`
	Happenings duration `yaml:"happenings" doc:"events"`
}

type tlsDoc struct {
	Certificate string `yaml:"certificate" required:"true" doc:"a PEM file, relative to this one"`
	Key         string `yaml:"key" required:"true" doc:"a PEM file, relative to this one"`
}

type endpointDoc struct {
	Name         string            `yaml:"name" required:"true" pattern:"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" doc:"the last part of its path, and its label in metrics"`
	Kind         string            `yaml:"kind" required:"true" enum:"distribution|gitlab|harbor|dockerhub|github|quay|acr|acr-eventgrid|ecr|artifact-registry|artifactory|nexus|zot|gitea|forgejo|aliyun|generic" doc:"who sends"`
	Registry     string            `yaml:"registry" doc:"the host that images are pulled from; bodies do not decide it"`
	Registries   []string          `yaml:"registries" doc:"in the place of registry, for senders that speak for several"`
	Repositories []string          `yaml:"repositories" required:"true" doc:"those that are looked at: exact, PREFIX/** or **, as in policies"`
	Auth         authDoc           `yaml:"auth" required:"true"`
	MaxBody      int64             `yaml:"maxBody" doc:"bytes; default 3145728, at most 8388608"`
	Map          map[string]string `yaml:"map" doc:"of artifactory and nexus: a repository key; of ecr: ACCOUNT/REGION; to HOST or HOST/PATH that images are pulled from"`
}

type authDoc struct {
	Type         string `yaml:"type" required:"true" enum:"hmac|header|basic|bearer|oidc|path" doc:"path: an unguessable last part, /hooks/NAME/TOKEN"`
	Header       string `yaml:"header" pattern:"^[A-Za-z0-9-]+$" doc:"of header: the header whose whole value is the secret"`
	Username     string `yaml:"username" doc:"of basic"`
	SecretFile   string `yaml:"secretFile" doc:"a file that holds the key, value, password or token, relative to this one"`
	SecretEnv    string `yaml:"secretEnv" doc:"a variable of the environment that holds it"`
	PreviousFile string `yaml:"previousFile" doc:"the one before, accepted as well until it is taken out"`
	PreviousEnv  string `yaml:"previousEnv"`
	Issuer       string `yaml:"issuer" doc:"of oidc: an https URL"`
	Audience     string `yaml:"audience" doc:"of oidc"`
	Email        string `yaml:"email" doc:"of oidc: the verified address of the sender's account"`
	Subject      string `yaml:"subject" doc:"of oidc: the sender's subject, where it has no address"`
}

type reconcileDoc struct {
	Every        duration `yaml:"every" doc:"default 1h"`
	Registries   []string `yaml:"registries" doc:"hosts that are asked for their list of repositories"`
	Repositories []string `yaml:"repositories" doc:"repositories without tags"`
}

type watchDoc struct {
	Context       string   `yaml:"context" required:"true" doc:"a name of contexts"`
	Every         duration `yaml:"every" doc:"default 15m"`
	PolicyReports string   `yaml:"policyReports" enum:"openreports|wgpolicyk8s" doc:"of kubernetes: the API in which results are written into the cluster; nothing is written without it"`
}

type notifyDoc struct {
	Name       string   `yaml:"name" required:"true" pattern:"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"`
	Kind       string   `yaml:"kind" required:"true" enum:"slack|teams|cloudevents"`
	URLFile    string   `yaml:"urlFile" doc:"a file that holds the URL, relative to this one"`
	URLEnv     string   `yaml:"urlEnv" doc:"a variable of the environment that holds the URL"`
	SecretFile string   `yaml:"secretFile" doc:"of cloudevents: a file that holds the key that signs bodies"`
	SecretEnv  string   `yaml:"secretEnv"`
	On         []string `yaml:"on" doc:"types of events, their beginnings such as tag.*, or alarm for what needs somebody; default: all"`
}

type apiDoc struct {
	Tokens []tokenDoc `yaml:"tokens"`
	OIDC   *oidcDoc   `yaml:"oidc"`
}

type tokenDoc struct {
	Name      string `yaml:"name" required:"true" pattern:"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"`
	Role      string `yaml:"role" required:"true" enum:"reader|writer"`
	TokenFile string `yaml:"tokenFile" doc:"a file that holds the token, relative to this one"`
	TokenEnv  string `yaml:"tokenEnv" doc:"a variable of the environment that holds the token"`
}

type oidcDoc struct {
	Issuer   string      `yaml:"issuer" required:"true" doc:"an https URL"`
	Audience string      `yaml:"audience" required:"true"`
	Roles    []ClaimRole `yaml:"roles" required:"true" doc:"the first that fits decides; a token that none fits is refused"`
}

type attestDoc struct {
	Key          string      `yaml:"key" doc:"a file with a private key, relative to this one"`
	PasswordFile string      `yaml:"passwordFile"`
	PasswordEnv  string      `yaml:"passwordEnv"`
	Keyless      *keylessDoc `yaml:"keyless" doc:"in the place of key"`
	Output       string      `yaml:"output" doc:"a folder for statements, relative to this file"`
	Push         bool        `yaml:"push" doc:"attach statements to images in their registries"`
}

type keylessDoc struct {
	TokenFile string `yaml:"tokenFile" doc:"a file that holds an identity token, read each time"`
	TokenEnv  string `yaml:"tokenEnv"`
	Fulcio    string `yaml:"fulcio" doc:"an https URL; default: the public one"`
	Rekor     string `yaml:"rekor" doc:"an https URL; default: the public one"`
}

type limitsDoc struct {
	Inbox         int      `yaml:"inbox" doc:"events that wait, default 100000; more are answered with 429"`
	Workers       int      `yaml:"workers" doc:"judged at once, default 4"`
	BodyMemory    int64    `yaml:"bodyMemory" doc:"bytes of bodies that are being received at once, default 67108864"`
	BodyTime      duration `yaml:"bodyTime" doc:"for one body to arrive, default 10s"`
	Notifications int      `yaml:"notifications" doc:"an hour for each place, default 120; the rest is folded into one"`
}

// A duration is written 10m or 1h30m.
type duration struct {
	time.Duration
	set bool
}

// UnmarshalNode reads a duration of Go's form.
func (d *duration) UnmarshalNode(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" || err != nil:
		return fmt.Errorf("%q; expected a duration such as 30s, 10m or 1h30m", n.Value)
	case v < 0:
		return fmt.Errorf("%q; a duration is not negative", n.Value)
	}
	d.Duration, d.set = v, true
	return nil
}

// JSONSchema describes a duration.
func (duration) JSONSchema() map[string]any {
	return map[string]any{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`}
}
