package main

import (
	"context"
	"fmt"

	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/source/archive"
	containerdsource "github.com/intact-dev/intact/pkg/source/containerd"
	dockersource "github.com/intact-dev/intact/pkg/source/docker"
	"github.com/urfave/cli/v2"
)

// A runtimeStore says which engine or runtime images are read from.
type runtimeStore struct {
	docker    dockersource.Engine
	address   string // of containerd
	namespace string
}

func storeOf(c *cli.Context) runtimeStore {
	s := runtimeStore{
		docker:  dockersource.Engine{Host: c.String("docker-host"), Context: c.String("docker-context"), Podman: c.Bool("podman")},
		address: c.String("runtime-endpoint"),
	}
	if names := several(c, "containerd-namespace"); len(names) > 0 {
		s.namespace = names[0]
	}
	return s
}

// engineTarget is an image in a Docker engine's store. The engine is asked when
// the scan begins; what it says stands in the report.
func (s *scanSetup) engineTarget(ctx context.Context, t scan.Target, name string) (scan.Target, error) {
	src, err := dockersource.Open(ctx, name, dockersource.Options{
		Engine: s.store.docker,
		Open:   func(ctx context.Context, file string) (dockersource.Opened, error) { return archive.Open(ctx, file) },
	})
	if err != nil {
		t.Err, t.Local = err, true
		return t, nil
	}
	s.closers = append(s.closers, src.Close)
	t.Place = scan.Place{Source: src, Prober: src, Referrer: src}
	return s.judgedAs(t), nil
}

// containerdTarget is an image in containerd's store.
func (s *scanSetup) containerdTarget(ctx context.Context, t scan.Target, name string) (scan.Target, error) {
	r, err := ref.Parse(name)
	if err != nil {
		return t, usage(err, "write containerd:REGISTRY/REPOSITORY:TAG, as ctr images ls shows it")
	}
	src, err := containerdsource.Open(ctx, containerdsource.Options{Address: s.store.address, Namespace: s.store.namespace})
	if err != nil {
		t.Err, t.Local = err, true
		return t, nil
	}
	s.closers = append(s.closers, src.Close)
	t.Ref = r
	t.Place = scan.Place{Source: src, Prober: src}
	return s.judgedAs(t), nil
}

// fullName is how to write a name that could be taken for a tag.
func fullName(prefix, name string) string { return fmt.Sprintf("%s:%s:latest", prefix, name) }
