package sourcetest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/source/registry"
	"github.com/intact-dev/intact/pkg/source/sourcetest"
)

// The registry source against a server that hands out what it holds, right or
// wrong. (A registry checks what is pushed to it, so the wrong bytes of the suite
// cannot get into a real one.)
func TestRegistry(t *testing.T) {
	t.Parallel()
	sourcetest.Run(t, func(t *testing.T, c *sourcetest.Contents) image.Source {
		srv := httptest.NewServer(c)
		t.Cleanup(srv.Close)
		c.Name = strings.TrimPrefix(srv.URL, "http://") + "/acme/app"
		src, err := registry.New(registry.Options{
			Keychain: registry.Anonymous{},
			Proxy:    func(*http.Request) (*url.URL, error) { return nil, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(src.Close)
		return src
	})
}
