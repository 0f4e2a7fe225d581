package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/observe/containerd"
	"github.com/intact-dev/intact/pkg/observe/docker"
	"github.com/intact-dev/intact/pkg/observe/kubernetes"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/urfave/cli/v2"
)

// workloadFlags say what to look at for what runs.
func workloadFlags() []cli.Flag {
	return []cli.Flag{
		list("workloads", "examine what runs in `WHERE`: kubernetes, docker, containerd, or a context of the config; may be repeated"),
		str("kubeconfig", "kubeconfig `FILE` (default: as kubectl finds it, or the pod's own service account)", ""),
		list("context", "`NAME` of a context in the kubeconfig; may be repeated"),
		boolean("all-contexts", "every context in the kubeconfig"),
		&cli.StringSliceFlag{Name: "namespace", Aliases: []string{"n"}, Usage: "look at this `NAMESPACE` alone; may be repeated (default: all)", EnvVars: envVar("namespace")},
		&cli.StringFlag{Name: "selector", Aliases: []string{"l"}, Usage: "only pods whose labels match `SELECTOR`", EnvVars: envVar("selector")},
		list("team-label", "label or annotation `NAME` that says who owns a workload; may be repeated (default: Argo CD's and app.kubernetes.io/instance)"),
		&cli.IntFlag{Name: "revisions", Usage: "`NUMBER` of former revisions of each workload that a rollback should be able to restore", Value: 1, EnvVars: envVar("revisions")},
		boolean("helm-releases", "also former revisions of Helm releases, which are in Secrets"),
		boolean("config-maps", "look whether the ConfigMaps that configure containers are immutable"),
		boolean("secrets", "look whether the Secrets that configure containers are immutable; their content is sent along and not looked at"),
		boolean("pull-secrets", "pull images with the pods' own pull secrets"),
		str("docker-host", "`URL` of a Docker engine (default: as docker finds it)", ""),
		str("docker-context", "`NAME` of a Docker context", ""),
		boolean("podman", "ask Podman's socket in place of Docker's"),
		str("runtime-endpoint", "`SOCKET` of containerd or of a CRI; with kubernetes, that of the node this runs on", ""),
		list("containerd-namespace", "look at this containerd `NAMESPACE` alone; may be repeated (default: all)"),
		boolean("changed-files", "compare the files of containers with their images: reads all layers; needs root on the machine they run on"),
		boolean("suggest", "print, in place of the report, the patches with which workloads run on a read-only root file system; reads all layers"),
	}
}

// runtimes are the places that --workloads names.
func (s *scanSetup) runtimes(c *cli.Context) error {
	for _, where := range several(c, "workloads") {
		var err error
		switch where {
		case "kubernetes":
			err = s.kubernetes(c)
		case "docker":
			err = s.docker(c, docker.Engine{Host: c.String("docker-host"), Context: c.String("docker-context"), Podman: c.Bool("podman")}, "")
		case "containerd":
			err = s.containerd(c, c.String("runtime-endpoint"), "")
		default:
			err = s.configured(c, where)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// configured is a place that the config names.
func (s *scanSetup) configured(c *cli.Context, where string) error {
	known, ok := s.reach.config.Contexts[where]
	if !ok {
		names := []string{"kubernetes", "docker", "containerd"}
		for n := range s.reach.config.Contexts {
			names = append(names, n)
		}
		sort.Strings(names[3:])
		return usage(fmt.Errorf("--workloads %q is no place", where), "there is: "+strings.Join(names, ", "))
	}
	name := known.Cluster
	if name == "" {
		name = where
	}
	switch known.Kind {
	case "kubernetes":
		return s.cluster(c, known.Kubeconfig, known.Context, name)
	case "docker":
		return s.docker(c, docker.Engine{Host: known.Address}, name)
	}
	return s.containerd(c, known.Address, name)
}

func (s *scanSetup) kubernetes(c *cli.Context) error {
	contexts := c.StringSlice("context")
	if c.Bool("all-contexts") {
		if len(contexts) > 0 {
			return usage(errors.New("--all-contexts and --context"), "give one of them")
		}
		all, _, err := kubernetes.Contexts(files(c.String("kubeconfig"))...)
		if err != nil {
			return usage(err, "give a kubeconfig with --kubeconfig or KUBECONFIG")
		}
		if contexts = all; len(all) == 0 {
			return usage(errors.New("the kubeconfig has no contexts"), "kubectl config get-contexts lists them")
		}
	}
	if len(contexts) == 0 {
		contexts = []string{""}
	}
	for _, name := range contexts {
		if err := s.cluster(c, c.String("kubeconfig"), name, s.clusterName(name)); err != nil {
			return err
		}
	}
	return nil
}

// clusterName is what the config calls the cluster of a context in the
// kubeconfig, or "".
func (s *scanSetup) clusterName(kubeContext string) string {
	for _, known := range s.reach.config.Contexts {
		if kubeContext != "" && known.Kind == "kubernetes" && known.Context == kubeContext && known.Kubeconfig == "" {
			return known.Cluster
		}
	}
	return ""
}

func files(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

func (s *scanSetup) cluster(c *cli.Context, kubeconfig, kubeContext, name string) error {
	kubernetes.Silence()
	team := several(c, "team-label")
	if len(team) == 0 {
		team = []string{kubernetes.ArgoTrackingID, kubernetes.InstanceLabel}
	}
	o, err := kubernetes.New(kubernetes.Options{
		Kubeconfig: files(kubeconfig), Context: kubeContext, Cluster: name,
		Namespaces: several(c, "namespace"), Selector: c.String("selector"), Team: team,
		Revisions: revisions(c.Int("revisions")), HelmReleases: c.Bool("helm-releases"),
		ConfigMaps: c.Bool("config-maps"), Secrets: c.Bool("secrets"), PullSecrets: c.Bool("pull-secrets"),
		UserAgent: "intact/" + toolVersion(),
	})
	if err != nil {
		return usage(err, "see intact scan --help; kubectl config get-contexts lists contexts")
	}
	s.closers = append(s.closers, func() error { o.Close(); return nil })
	r := scan.Runtime{Observer: o, Name: o.Name(), Place: s.reach.anyPlace}
	if c.Bool("pull-secrets") {
		r.Place = (&secretPlaces{reach: s.reach, secret: o.PullSecret}).place
	}
	return s.withNode(c, r)
}

// revisions turns none into what the observer calls none.
func revisions(n int) int {
	if n <= 0 {
		return -1
	}
	return n
}

// withNode adds the runtime of the node this runs on to a cluster.
func (s *scanSetup) withNode(c *cli.Context, r scan.Runtime) error {
	if !c.Bool("changed-files") {
		return s.addRuntime(r)
	}
	node, err := containerd.New(c.Context, containerd.Options{Address: c.String("runtime-endpoint")})
	if err != nil {
		return usage(fmt.Errorf("--changed-files: %w", err), "run it on the node, as root, or give its socket with --runtime-endpoint")
	}
	s.closers = append(s.closers, node.Close)
	r.Files = node.Lookup()
	return s.addRuntime(r)
}

func (s *scanSetup) docker(c *cli.Context, engine docker.Engine, name string) error {
	o, err := docker.New(docker.Options{Engine: engine})
	if err != nil {
		return usage(err, "give the engine with --docker-host unix:///var/run/docker.sock")
	}
	s.closers = append(s.closers, o.Close)
	return s.onMachine(c, o, o, name, "docker")
}

func (s *scanSetup) containerd(c *cli.Context, address, name string) error {
	o, err := containerd.New(c.Context, containerd.Options{Address: address, Namespaces: several(c, "containerd-namespace"), Name: name})
	if err != nil {
		return usage(err, "give the socket with --runtime-endpoint /run/containerd/containerd.sock")
	}
	s.closers = append(s.closers, o.Close)
	return s.onMachine(c, o, o, name, "containerd")
}

// onMachine adds a runtime of this machine, which has no clusters' name.
func (s *scanSetup) onMachine(c *cli.Context, o observe.Observer, f observe.Files, name, kind string) error {
	if name == "" {
		name, _ = os.Hostname()
	}
	if name == "" {
		name = kind
	}
	r := scan.Runtime{Observer: o, Name: name, Place: s.reach.anyPlace}
	if c.Bool("changed-files") {
		r.Files = f
	}
	return s.addRuntime(r)
}

// addRuntime keeps names apart: reports and policies tell places by them.
func (s *scanSetup) addRuntime(r scan.Runtime) error {
	for slices.ContainsFunc(s.options.Runtimes, func(other scan.Runtime) bool { return other.Name == r.Name }) {
		r.Name += "'"
	}
	s.options.Runtimes = append(s.options.Runtimes, r)
	return nil
}

// anyPlace is the registry as the scanner itself pulls from it.
func (r *reach) anyPlace(context.Context, observe.Container) (scan.Place, string, error) {
	return scan.Place{Source: r.registry, Prober: r.registry, Referrer: r.registry}, "", nil
}
