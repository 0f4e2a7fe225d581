package kubernetes

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	// Credentials that kubectl can use: OpenID Connect, and what is said of those that
	// are no longer built in. Plugins that are programs come with package rest.
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
)

// A place is how one cluster is reached.
type place struct {
	config    *rest.Config
	name      string
	namespace string
	where     string // for messages
}

// inCluster is what a cluster is called by what runs in it: it has no name of its
// own.
const inCluster = "in-cluster"

func load(o Options) (place, error) {
	switch {
	case o.config != nil:
		return place{o.config, cmp.Or(o.Cluster, "test"), "", "test"}, nil
	case o.InCluster:
		if o.Context != "" || len(o.Kubeconfig) > 0 {
			return place{}, errors.New("kubernetes settings: a kubeconfig or context has no meaning in the cluster")
		}
		return inside(o)
	}
	rules, err := rulesFor(o.Kubeconfig)
	if err != nil {
		return place{}, err
	}
	raw, err := rules.Load()
	if err != nil {
		return place{}, broken(err)
	}
	if api.IsConfigEmpty(raw) && o.Context == "" && len(o.Kubeconfig) == 0 {
		if os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
			return inside(o)
		}
		return place{}, &image.Error{Op: "load", Object: "kubeconfig", Cause: fact.NotFound,
			Err: errors.New("there is none, and this is no pod"), Hint: "--kubeconfig FILE, or set KUBECONFIG"}
	}
	name := cmp.Or(o.Context, raw.CurrentContext)
	if err := known(raw, name); err != nil {
		return place{}, err
	}
	cc := clientcmd.NewNonInteractiveClientConfig(*raw, name, &clientcmd.ConfigOverrides{}, rules)
	config, err := cc.ClientConfig()
	if err != nil {
		return place{}, fmt.Errorf("context %q: %w", name, broken(err))
	}
	namespace := raw.Contexts[name].Namespace
	return place{config, cmp.Or(o.Cluster, name), namespace, fmt.Sprintf("context %q", name)}, nil
}

func inside(o Options) (place, error) {
	config, err := rest.InClusterConfig()
	if err != nil {
		return place{}, &image.Error{Op: "load", Object: "the pod's service account", Cause: fact.NotFound, Err: err,
			Hint: "in a cluster, run in a pod whose service account's token is mounted"}
	}
	// Where the namespace cannot be read, nothing hangs on it.
	namespace, _ := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
	return place{config, cmp.Or(o.Cluster, inCluster), string(namespace), inCluster}, nil
}

// rulesFor says which files are read. One that was named must be there.
func rulesFor(files []string) (*clientcmd.ClientConfigLoadingRules, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.WarnIfAllMissing = false
	for _, f := range files {
		if _, err := os.Stat(f); err != nil {
			cause := fact.Internal
			switch {
			case errors.Is(err, fs.ErrNotExist):
				cause = fact.NotFound
			case errors.Is(err, fs.ErrPermission):
				cause = fact.Forbidden
			}
			return nil, &image.Error{Op: "load", Object: fmt.Sprintf("kubeconfig %q", f), Cause: cause, Err: reason(err)}
		}
	}
	if len(files) > 0 {
		rules.Precedence = files
	}
	return rules, nil
}

// reason drops operation and path, which the message has already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func broken(err error) error {
	return &image.Error{Op: "load", Object: "kubeconfig", Cause: fact.Unsupported, Err: err}
}

// known says what is wrong with a name before a library takes an empty
// configuration for one of localhost.
func known(raw *api.Config, name string) error {
	names := slices.Sorted(maps.Keys(raw.Contexts))
	fail := func(text, hint string) error {
		return &image.Error{Op: "load", Object: "kubeconfig", Cause: fact.NotFound, Err: errors.New(text), Hint: hint}
	}
	hint := fmt.Sprintf("--context, with one of %q", names)
	if len(names) == 0 {
		hint = ""
	}
	c := raw.Contexts[name]
	switch {
	case name == "":
		return fail("it has no current context", hint)
	case c == nil:
		return fail(fmt.Sprintf("it has no context %q", name), hint)
	case raw.Clusters[c.Cluster] == nil:
		return fail(fmt.Sprintf("context %q names cluster %q, which it does not have", name, c.Cluster), "")
	case raw.Clusters[c.Cluster].Server == "":
		return fail(fmt.Sprintf("cluster %q of context %q has no server", c.Cluster, name), "")
	case c.AuthInfo != "" && raw.AuthInfos[c.AuthInfo] == nil:
		return fail(fmt.Sprintf("context %q names user %q, which it does not have", name, c.AuthInfo), "")
	}
	return nil
}

// Contexts returns the names of the contexts in the kubeconfig that files make,
// sorted, and the current one; no files mean those that kubectl finds. No
// kubeconfig is no names.
func Contexts(files ...string) (names []string, current string, err error) {
	rules, err := rulesFor(files)
	if err != nil {
		return nil, "", err
	}
	raw, err := rules.Load()
	if err != nil {
		return nil, "", broken(err)
	}
	return slices.Sorted(maps.Keys(raw.Contexts)), raw.CurrentContext, nil
}
