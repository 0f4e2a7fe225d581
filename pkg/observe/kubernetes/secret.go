package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
)

// PullSecret returns the content of a Secret that images are pulled with, in the
// form of Docker's config.json. It is for callers that were asked to use the
// pods' own credentials; Observe reads no such Secret. It may be called
// concurrently.
//
// https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets
func (o *Observer) PullSecret(ctx context.Context, namespace, name string) ([]byte, error) {
	var s corev1.Secret
	if err := o.c.get(ctx, secrets, namespace, name, false, &s); err != nil {
		return nil, err
	}
	fail := func(err error) error {
		return &image.Error{Op: "read", Object: fmt.Sprintf("Secret %q of namespace %q", name, namespace), Cause: fact.Unsupported, Err: err}
	}
	switch s.Type {
	case corev1.SecretTypeDockerConfigJson:
		if b := s.Data[corev1.DockerConfigJsonKey]; len(b) > 0 {
			return b, nil
		}
		return nil, fail(fmt.Errorf("it has no %s", corev1.DockerConfigJsonKey))
	case corev1.SecretTypeDockercfg: // the form of ~/.dockercfg: the content of auths
		b := s.Data[corev1.DockerConfigKey]
		if !json.Valid(b) {
			return nil, fail(fmt.Errorf("its %s is no JSON", corev1.DockerConfigKey))
		}
		out, err := json.Marshal(map[string]json.RawMessage{"auths": b})
		if err != nil {
			return nil, fail(errors.New("it cannot be read"))
		}
		return out, nil
	}
	return nil, fail(fmt.Errorf("its type is %q, and not one of pull secrets", s.Type))
}
