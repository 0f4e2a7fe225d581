package trustroot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/fetcher"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
)

// nowhere is a folder that no system can have. The library looks for metadata in
// a local folder even where it is told to keep none; without one that would be
// the folder in which the program runs.
const nowhere = "\x00"

// update runs the whole workflow of TUF from the anchor, over what f serves, at
// the time now. It reads and writes no file.
func update(opts Options, f fetcher.Fetcher, now time.Time) (body []byte, u *updater.Updater, err error) {
	defer func() {
		// The library takes metadata apart before it verifies it, and faults on some.
		if r := recover(); r != nil {
			body, u, err = nil, nil, fmt.Errorf("the metadata cannot be read: %v", r)
		}
	}()
	cfg, err := config.New(opts.URL, opts.Anchor)
	if err != nil {
		return nil, nil, err
	}
	cfg.DisableLocalCache = true
	cfg.LocalMetadataDir, cfg.LocalTargetsDir = nowhere, nowhere
	cfg.Fetcher = f
	u, err = updater.New(cfg)
	if err != nil {
		return nil, nil, err
	}
	u.UnsafeSetRefTime(now)
	if err := u.Refresh(); err != nil {
		return nil, nil, err
	}
	// The root is the repository's own word: nobody is asked to whom it delegates,
	// whose names could be paths out of nowhere.
	info := u.GetTopLevelTargets()[target]
	if info == nil {
		return nil, nil, fmt.Errorf("the repository has no target %q of its own", target)
	}
	_, body, err = u.DownloadTarget(info, "", "")
	if err != nil {
		return nil, nil, err
	}
	return body, u, usable(body)
}

func fromNetwork(ctx context.Context, opts Options) ([]byte, time.Time, error) {
	if opts.HTTPClient == nil {
		return nil, time.Time{}, errors.New("no HTTP client given")
	}
	web := &web{ctx: ctx, client: opts.HTTPClient, base: opts.URL, files: map[string][]byte{}}
	body, fresh, err := update(opts, web, opts.Now)
	if err != nil {
		return nil, time.Time{}, err
	}
	if opts.CacheDir == "" {
		return body, expires(fresh), nil
	}
	if err := checkRollback(opts, fresh); err != nil {
		return nil, time.Time{}, err
	}
	// A copy that cannot be kept is no reason to do without the root.
	_ = save(opts, copyOf{Fetched: opts.Now.UTC(), URL: opts.URL, Files: web.files})
	return body, expires(fresh), nil
}

// expires is when the first of the metadata ends.
func expires(u *updater.Updater) time.Time {
	set := u.GetTrustedMetadataSet()
	first := set.Root.Signed.Expires
	all := []time.Time{set.Timestamp.Signed.Expires, set.Snapshot.Signed.Expires}
	if t, ok := set.Targets[metadata.TARGETS]; ok {
		all = append(all, t.Signed.Expires)
	}
	for _, t := range all {
		if t.Before(first) {
			first = t
		}
	}
	return first
}

// checkRollback refuses metadata that is older than that of the last copy: TUF's
// protection against a server that serves old but valid metadata.
func checkRollback(opts Options, fresh *updater.Updater) error {
	kept, err := load(opts)
	if err != nil {
		return nil // nothing to compare with
	}
	_, old, err := update(opts, disk{opts.URL, kept.Files}, kept.Fetched)
	if err != nil {
		return nil // not verifiable, so nobody's word
	}
	before, after := versions(old), versions(fresh)
	for _, role := range []string{metadata.ROOT, metadata.TIMESTAMP, metadata.SNAPSHOT, metadata.TARGETS} {
		if after[role] < before[role] {
			return fmt.Errorf("%s went back from version %d to %d", role, before[role], after[role])
		}
	}
	return nil
}

func versions(u *updater.Updater) map[string]int64 {
	set := u.GetTrustedMetadataSet()
	out := map[string]int64{
		metadata.ROOT:      set.Root.Signed.Version,
		metadata.TIMESTAMP: set.Timestamp.Signed.Version,
		metadata.SNAPSHOT:  set.Snapshot.Signed.Version,
	}
	if t, ok := set.Targets[metadata.TARGETS]; ok {
		out[metadata.TARGETS] = t.Signed.Version
	}
	return out
}

// web fetches and remembers what it fetched.
type web struct {
	ctx    context.Context // of one Fetch; the library's interface has no place for it
	client *http.Client
	base   string
	files  map[string][]byte
}

// DownloadFile fetches one file of at most limit bytes, expanded.
func (w *web) DownloadFile(url string, limit int64, _ time.Duration) ([]byte, error) {
	request, err := http.NewRequestWithContext(w.ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := w.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, &metadata.ErrDownloadHTTP{StatusCode: response.StatusCode, URL: url}
	}
	b, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, &metadata.ErrDownloadLengthMismatch{Msg: fmt.Sprintf("%s has more than %d bytes", url, limit)}
	}
	w.files[strings.TrimPrefix(url, w.base)] = b
	return b, nil
}

// disk serves a copy as the repository would.
type disk struct {
	base  string
	files map[string][]byte
}

// DownloadFile returns a file of the copy.
func (d disk) DownloadFile(url string, limit int64, _ time.Duration) ([]byte, error) {
	b, ok := d.files[strings.TrimPrefix(url, d.base)]
	switch {
	case !ok:
		return nil, &metadata.ErrDownloadHTTP{StatusCode: http.StatusNotFound, URL: url}
	case int64(len(b)) > limit:
		return nil, &metadata.ErrDownloadLengthMismatch{Msg: fmt.Sprintf("%s has more than %d bytes", url, limit)}
	}
	return b, nil
}
