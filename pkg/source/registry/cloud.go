package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// cloudTime bounds the search for a cloud identity: outside of that cloud its
// library waits for a metadata service that is not there.
const cloudTime = 10 * time.Second

// The hosts of clouds, whole and lower case, without a port. A token of a cloud
// identity opens far more than one registry, so a name that only looks like one
// of these must never be shown it (CVE-2024-35192, CVE-2025-27403).
//
// https://docs.aws.amazon.com/general/latest/gr/ecr.html
// https://cloud.google.com/artifact-registry/docs/repositories/repo-locations
// https://learn.microsoft.com/azure/container-registry/container-registry-firewall-access-rules
var (
	hostECR    = lazy.Regexp(`^([0-9]{12})\.dkr[.-]ecr(-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})\.(?:amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)$`)
	hostGoogle = lazy.Regexp(`^(?:(?:[a-z]{2,4}\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev)$`)
	hostACR    = lazy.Regexp(`^[a-z0-9]{5,50}(?:-[a-z0-9]+)?\.azurecr\.(?:io|cn|us)$`)
)

// A cloudKeychain gets credentials for the registries of clouds from the identity
// of the machine or user.
type cloudKeychain struct {
	ecr    func(ctx context.Context, account, region string, fips bool) (Credential, error)
	google func(ctx context.Context) (Credential, error)
	acr    func(ctx context.Context, host string) (Credential, error)
}

func newCloudKeychain() cloudKeychain {
	return cloudKeychain{ecr: fromECR, google: fromGoogle, acr: fromACR}
}

// Credential implements Keychain.
func (k cloudKeychain) Credential(ctx context.Context, host, _ string) (Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, cloudTime)
	defer cancel()
	c, err := k.ask(ctx, host)
	if err != nil {
		return Credential{}, fmt.Errorf("cloud identity: %w", err)
	}
	return c, nil
}

func (k cloudKeychain) ask(ctx context.Context, host string) (Credential, error) {
	if m := hostECR().FindStringSubmatch(host); m != nil {
		return k.ecr(ctx, m[1], m[3], m[2] != "")
	}
	switch {
	case hostGoogle().MatchString(host):
		return k.google(ctx)
	case hostACR().MatchString(host):
		return k.acr(ctx, host)
	}
	return Credential{}, nil
}
