package webhook_test

import (
	"strconv"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/webhook"
)

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// hosts are those of sources.
var hosts = map[string]bool{
	"registry.acme.example:5000": true, "registry.gitlab.acme.example": true, "harbor.acme.example": true, "docker.io": true, "ghcr.io": true, "quay.io": true,
	"one.azurecr.io": true, "two.azurecr.io": true, "111122223333.dkr.ecr.eu-central-1.amazonaws.com": true, "mirror.acme.example": true,
	"europe-docker.pkg.dev": true, "eu.gcr.io": true, "acme.jfrog.io": true, "nexus.acme.example:8082": true, "zot.acme.example": true,
	"git.acme.example": true, "registry.cn-hangzhou.aliyuncs.com": true, "registry.cn-beijing.aliyuncs.com": true,
}

// parse reads the name of e again.
func parse(e webhook.Event) (ref.Ref, error) { return ref.Parse(e.Ref().String()) }
