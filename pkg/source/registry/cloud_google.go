package registry

import (
	"context"
	"fmt"

	"golang.org/x/oauth2/google"
)

// fromGoogle gets an access token of the application default credentials.
//
// https://cloud.google.com/artifact-registry/docs/docker/authentication#token
func fromGoogle(ctx context.Context) (Credential, error) {
	found, err := google.FindDefaultCredentials(ctx, "https://www.googleapis.com/auth/devstorage.read_only", "https://www.googleapis.com/auth/cloud-platform.read-only")
	if err != nil {
		return Credential{}, fmt.Errorf("find Google's default credentials: %w", err)
	}
	t, err := found.TokenSource.Token()
	if err != nil {
		return Credential{}, fmt.Errorf("get a Google access token: %w", err)
	}
	return Credential{Username: "oauth2accesstoken", Password: t.AccessToken}, nil
}
