package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/urfave/cli/v2"
)

// cacheDir is --cache-dir or the user's own cache folder; "" if there is none.
func cacheDir(c *cli.Context) string {
	if dir := c.String("cache-dir"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "intact")
}

// configured is --cache-dir, the config's folder, or the user's own.
func configured(c *cli.Context, cfg config.Cache) string {
	if cfg.Dir != "" && c.String("cache-dir") == "" {
		return cfg.Dir
	}
	return cacheDir(c)
}

// openCache opens the cache of facts. A cache that cannot be used costs time,
// never truth: that is a notice, not an error. The policy strict reads again.
func openCache(c *cli.Context, cfg config.Cache, pol *policy.Policy, warn func(string)) (*gather.ContentCache, string) {
	if c.Bool("no-cache") || cfg.Off || readsAgain(pol) {
		return nil, ""
	}
	dir := configured(c, cfg)
	if dir == "" {
		return nil, "no cache: this user has no cache folder (--cache-dir names one)"
	}
	keys, err := os.UserConfigDir()
	if err != nil {
		return nil, fmt.Sprintf("no cache: no folder for its key: %v", err)
	}
	contents, err := gather.OpenCache(dir, filepath.Join(keys, "intact", "cache.key"), warn)
	if err != nil {
		return nil, fmt.Sprintf("no cache: %v", err)
	}
	return contents, ""
}

func readsAgain(pol *policy.Policy) bool {
	for _, name := range pol.Chain() {
		if base, _, _ := strings.Cut(name, "@"); base == "strict" {
			return true
		}
	}
	return false
}
