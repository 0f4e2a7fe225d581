// Package dockerengine talks to one Docker engine, or to Podman where it answers
// as one: where it is, which version of the API it speaks, how it stores images.
// It only ever asks: every request is a GET or a HEAD. What the engine answers is
// bounded in size and time, and not trusted.
package dockerengine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// MinAPI is the oldest version of the API that is understood: that of Docker
// 20.10.
const MinAPI = "1.41"

// Options say which engine is asked. The zero value is the one that Docker's own
// command asks.
type Options struct {
	Host    string // as of DOCKER_HOST; "" = see Find
	Context string // the name of a Docker context; "" = see Find
	Podman  bool   // ask Podman's socket, not Docker's
	// Getenv looks environment variables up; nil = os.Getenv.
	Getenv func(string) string
}

func (o Options) env() environment {
	if o.Getenv != nil {
		return o.Getenv
	}
	return os.Getenv
}

// A Store is how an engine stores images, which decides what the ID of an image
// is. The zero value is not known.
type Store string

// Stores.
const (
	// StoreGraph: the ID of an image is the digest of its config.
	StoreGraph Store = "graph driver"
	// StoreContainerd: the ID is the digest of a manifest or an index.
	StoreContainerd Store = "containerd"
	// StorePodman: the ID is mostly the digest of the config; of partially pulled
	// images it is made from other digests too.
	//
	// https://github.com/containers/image/blob/v5.32.0/storage/storage_dest.go#L720
	StorePodman Store = "containers/storage"
)

// Info is what an engine says about itself.
type Info struct {
	Name     string // of its host
	Version  string // "20.10.24", "Podman 4.3.1"
	API      string // the version that is spoken
	Podman   bool
	Store    Store
	Driver   string // "overlay2"; with StoreContainerd the snapshotter
	RootDir  string // where it keeps everything
	Platform ref.Platform
	// UserXattr says that overlays are marked by user.* attributes; nil = not told.
	UserXattr *bool
	// UserNamespaces says that containers have user namespaces of their own unless
	// they are told otherwise; Rootless that the engine itself is in one.
	UserNamespaces, Rootless bool
	NoNewPrivileges          bool // the default of containers
}

// An Engine is a connection to an engine. It may be used concurrently.
type Engine struct {
	Endpoint Endpoint
	Info     Info

	api     *client.Client
	http    *http.Client
	base    url.URL // up to and with the version of the API
	timeout time.Duration
	libpod  atomic.Bool // it says that it is Podman
}

// Connect asks the engine at ep what it is. The caller closes the Engine. timeout
// is how long one small answer may take; 0 = 30 s. What is long, a list or an
// image, must begin in that time and then come at limits.MinimumRate.
func Connect(ctx context.Context, ep Endpoint, timeout time.Duration) (*Engine, error) {
	e := &Engine{Endpoint: ep, timeout: timeout}
	if e.timeout == 0 {
		e.timeout = 30 * time.Second
	}
	if err := e.connect(ctx); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// Close releases the connections.
func (e *Engine) Close() {
	if e.http != nil {
		e.http.CloseIdleConnections()
	}
}

func (e *Engine) connect(ctx context.Context) error {
	const op = "connect to"
	var err error
	if e.http, err = newHTTPClient(e.Endpoint, e.timeout, &e.libpod); err != nil {
		return &image.Error{Op: op, Object: fmt.Sprintf("engine %q", e.Endpoint.Host), Cause: fact.Unsupported, Err: err}
	}
	e.base = url.URL{Scheme: "http"}
	if e.Endpoint.tls != nil {
		e.base.Scheme = "https"
	}
	// The host before the client: it wants to set up a transport of its own.
	e.api, err = client.New(client.WithHost(e.Endpoint.Host), client.WithHTTPClient(e.http),
		client.WithScheme(e.base.Scheme), client.WithUserAgent("intact"))
	if err != nil {
		return &image.Error{Op: op, Object: fmt.Sprintf("engine %q", e.Endpoint.Host), Cause: fact.Unsupported, Err: err}
	}
	if err := e.negotiate(ctx); err != nil {
		return e.fail(ctx, op, "", err)
	}
	return e.ask(ctx)
}

// negotiate chooses the version of the API.
func (e *Engine) negotiate(ctx context.Context) error {
	small, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	ping, err := e.api.Ping(small, client.PingOptions{NegotiateAPIVersion: true})
	var f *failure
	switch {
	case errors.As(err, &f) && f.cause == fact.NotFound, err == nil && ping.APIVersion == "":
		return &failure{cause: fact.Unsupported, text: "no Docker engine answers there: it does not know its API's version"}
	case ping.APIVersion == "":
		return err
	case versions.LessThan(ping.APIVersion, MinAPI):
		return &failure{cause: fact.Unsupported, text: fmt.Sprintf("it speaks version %q of the API; %s is the oldest that is supported", ping.APIVersion, MinAPI),
			hint: "Docker 20.10 and newer, and Podman 3 and newer, speak it"}
	case err != nil:
		return &failure{cause: fact.Unsupported, text: fmt.Sprintf("its version of the API is %q: %v", ping.APIVersion, err)}
	}
	host, err := client.ParseHostURL(e.Endpoint.Host)
	if err != nil {
		return err
	}
	e.Info.API = e.api.ClientVersion()
	e.base.Host = client.DummyHost
	if host.Scheme == "tcp" {
		e.base.Host = host.Host
	}
	e.base.Path = host.Path + "/v" + e.Info.API
	return nil
}

// ask learns how the engine works. All of it is in one answer: on Podman each
// further one asks the system for packages, and takes seconds.
func (e *Engine) ask(ctx context.Context) error {
	small, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	got, err := e.api.Info(small, client.InfoOptions{})
	if err != nil {
		return e.fail(ctx, "ask", "the state", err)
	}
	i := &e.Info
	i.Name, i.Version, i.Driver, i.RootDir = got.Info.Name, got.Info.ServerVersion, got.Info.Driver, got.Info.DockerRootDir
	i.Platform = platformOf(got.Info)
	if i.Podman = e.libpod.Load(); i.Podman {
		i.Version = "Podman " + i.Version
	}
	i.Store = storeOf(i.Podman, got.Info)
	for _, row := range got.Info.DriverStatus {
		if row[0] == "userxattr" {
			set := row[1] == "true"
			i.UserXattr = &set
		}
	}
	for _, o := range got.Info.SecurityOptions {
		switch name, _, _ := strings.Cut(o, ","); name {
		case "name=userns":
			i.UserNamespaces = true
		case "name=rootless":
			i.Rootless = true
		case "name=no-new-privileges":
			i.NoNewPrivileges = true
		}
	}
	return nil
}

// platformOf spells the machine's architecture as images do.
func platformOf(i system.Info) ref.Platform {
	p := ref.Platform{OS: i.OSType, Architecture: i.Architecture}
	switch arch := strings.ToLower(p.Architecture); {
	case strings.HasPrefix(arch, "armv7"):
		p.Architecture, p.Variant = "arm", "v7"
	case strings.HasPrefix(arch, "armv6"):
		p.Architecture, p.Variant = "arm", "v6"
	case arch == "i686":
		p.Architecture = "386"
	}
	return p.Normalize()
}

// storeOf tells the stores apart by the driver's own description.
//
// https://github.com/moby/moby/blob/v28.0.0/daemon/containerd/service.go#L85
func storeOf(podman bool, i system.Info) Store {
	switch {
	case podman:
		return StorePodman
	case slices.Contains(i.DriverStatus, [2]string{"driver-type", "io.containerd.snapshotter.v1"}):
		return StoreContainerd
	case i.Driver != "":
		return StoreGraph
	}
	return ""
}
