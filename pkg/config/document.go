package config

import "github.com/intact-dev/intact/pkg/policy/strictyaml"

// Schema names the form of config files.
const Schema = "intact.config/v1"

// SchemaID is where the JSON Schema of config files is published.
const SchemaID = "https://intact.dev/schemas/intact.config.v1.json"

// JSONSchema returns the JSON Schema of config files.
func JSONSchema() ([]byte, error) {
	return strictyaml.Schema(SchemaID, "intact config: how to reach things", document{})
}

type document struct {
	Schema     string                `yaml:"schema" required:"true" enum:"intact.config/v1"`
	Registries []registryDoc         `yaml:"registries" doc:"what is special about registries"`
	Proxies    *Proxies              `yaml:"proxies" doc:"in the place of HTTP_PROXY, HTTPS_PROXY and NO_PROXY"`
	Cache      *Cache                `yaml:"cache" doc:"where facts about content are kept"`
	Ledger     *Ledger               `yaml:"ledger" doc:"where observations are kept"`
	Contexts   map[string]contextDoc `yaml:"contexts" doc:"names for places where images run"`
	Serve      *serveDoc             `yaml:"serve" doc:"what intact serve does"`
}

type registryDoc struct {
	Host                string       `yaml:"host" required:"true" doc:"host, and port if any; docker.io for Docker Hub"`
	PlainHTTP           bool         `yaml:"plainHTTP" doc:"without TLS"`
	CA                  string       `yaml:"ca" doc:"a PEM file, relative to this one; its certificates count beside the system's"`
	Realms              []string     `yaml:"realms" doc:"hosts outside of the registry's domain that may give out its tokens"`
	PrivateAddresses    bool         `yaml:"privateAddresses" doc:"the host may resolve to loopback or private addresses whatever asks for it"`
	SignatureRepository string       `yaml:"signatureRepository" doc:"a repository where signatures of its images are, besides their own"`
	Credentials         *Credentials `yaml:"credentials" doc:"in the place of Docker's and Podman's files"`
}

type contextDoc struct {
	Kind       string `yaml:"kind" required:"true" enum:"kubernetes|docker|containerd"`
	Cluster    string `yaml:"cluster" doc:"the name that policies call it by; default: the context's own"`
	Kubeconfig string `yaml:"kubeconfig" doc:"of kubernetes: a file, relative to this one"`
	Context    string `yaml:"context" doc:"of kubernetes: a context in the kubeconfig; default: the current one"`
	Address    string `yaml:"address" doc:"of docker and containerd: unix:///path, or tcp://host:port"`
}
