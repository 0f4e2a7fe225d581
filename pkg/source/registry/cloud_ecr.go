package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// fromECR asks AWS for the password of its registry. The AWS library is used and
// not the credential helper built on it, which writes the password to a cache on
// disk.
func fromECR(ctx context.Context, account, region string, fips bool) (Credential, error) {
	options := []func(*config.LoadOptions) error{config.WithRegion(region)}
	if fips {
		options = append(options, config.WithUseFIPSEndpoint(aws.FIPSEndpointStateEnabled))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return Credential{}, fmt.Errorf("load the AWS configuration: %w", err)
	}
	//lint:ignore SA1019 one registry is meant, which may be of another account
	out, err := ecr.NewFromConfig(c).GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{RegistryIds: []string{account}})
	if err != nil {
		return Credential{}, fmt.Errorf("ask ECR for a token: %w", err)
	}
	if len(out.AuthorizationData) == 0 {
		return Credential{}, errors.New("ask ECR for a token: none was given")
	}
	text, err := base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
	user, password, ok := strings.Cut(string(text), ":")
	if err != nil || !ok {
		return Credential{}, errors.New("ask ECR for a token: it is not of the form user:password")
	}
	return Credential{Username: user, Password: password}, nil
}
