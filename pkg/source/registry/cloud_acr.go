package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// fromACR exchanges an access token of the machine's or user's identity for a
// refresh token of the registry.
//
// https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
func fromACR(ctx context.Context, host string) (Credential, error) {
	identity, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return Credential{}, fmt.Errorf("find Azure's default credential: %w", err)
	}
	t, err := identity.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://containerregistry.azure.net/.default"}})
	if err != nil {
		return Credential{}, fmt.Errorf("get an Azure access token: %w", err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return exchangeACR(ctx, client, "https://"+host, host, t.Token)
}

func exchangeACR(ctx context.Context, client *http.Client, base, service, token string) (Credential, error) {
	form := url.Values{"grant_type": {"access_token"}, "service": {service}, "access_token": {token}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/oauth2/exchange", strings.NewReader(form.Encode()))
	if err != nil {
		return Credential{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var shown secrets
	shown.add(token)
	resp, err := client.Do(req)
	if err != nil {
		return Credential{}, fmt.Errorf("exchange the Azure token at %s: %w", service, shown.hideError(err))
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return Credential{}, fmt.Errorf("exchange the Azure token at %s: status %d", service, resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limits.Token+1))
	if err != nil {
		return Credential{}, fmt.Errorf("exchange the Azure token at %s: %w", service, err)
	}
	var doc struct {
		Refresh string `json:"refresh_token"`
	}
	if len(body) > limits.Token || json.Unmarshal(body, &doc) != nil || doc.Refresh == "" {
		return Credential{}, fmt.Errorf("exchange the Azure token at %s: %w", service, errToken)
	}
	return Credential{IdentityToken: doc.Refresh}, nil
}
