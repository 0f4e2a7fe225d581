package gitfiles

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A revision is a name and the steps from it: HEAD~3^2.
type revision struct {
	name  string
	steps []step
}

// A step goes to the nth parent, or n times to the first.
type step struct {
	op byte // ^ or ~
	n  int
}

var (
	whole = lazy.Regexp(`^(.*?)((?:[~^][0-9]{0,9})*)$`)
	each  = lazy.Regexp(`[~^][0-9]*`)
)

// parse reads a revision. go-git's own resolver ignores what it does not know, such
// as @{1}, and would say that nothing changed since then; here it is an error.
func parse(text string) (revision, error) {
	m := whole().FindStringSubmatch(text)
	if m == nil {
		return revision{}, &Error{Err: fmt.Errorf("revision %q: more than one line", text), Hint: hintRevision}
	}
	r := revision{name: m[1]}
	if r.name == "@" {
		r.name = "HEAD"
	}
	switch {
	case text == "":
		return r, &Error{Err: errors.New("the revision is empty"), Hint: hintRevision}
	case strings.Contains(r.name, ".."):
		return r, &Error{Err: fmt.Errorf("revision %q is a range", text), Hint: "give where it begins alone: it ends at HEAD"}
	case r.name == "" || r.name[0] == '-' || strings.Contains(r.name, "@{") || strings.ContainsAny(r.name, " ~^:?*[\\\x7f") ||
		strings.ContainsFunc(r.name, func(c rune) bool { return c < ' ' }):
		return r, &Error{Err: fmt.Errorf("revision %q has a form that is not read", text), Hint: hintRevision}
	}
	for _, s := range each().FindAllString(m[2], -1) {
		n := 1
		if len(s) > 1 {
			n, _ = strconv.Atoi(s[1:]) // digits, at most nine
		}
		r.steps = append(r.steps, step{s[0], n})
	}
	return r, nil
}

const hintRevision = "give a branch, a tag or a commit, with ~N or ^N behind it if need be: origin/main, v1.2.0, HEAD~3"

// resolve finds the commit that a revision means, as gitrevisions(7) says.
func (s *store) resolve(text string) (*object.Commit, error) {
	r, err := parse(text)
	if err != nil {
		return nil, err
	}
	c, err := s.named(r.name)
	if err != nil {
		return nil, s.explain(fmt.Errorf("revision %q: %w", text, err), hintRevision)
	}
	for _, step := range r.steps {
		n, times := step.n, 1
		if step.op == '~' {
			n, times = 1, step.n
		}
		for ; times > 0 && n > 0; times-- {
			if n > len(c.ParentHashes) {
				return nil, s.explain(fmt.Errorf("revision %q: the commit %s has %d parents here", text, c.Hash, len(c.ParentHashes)), hintRevision)
			}
			parent := c.ParentHashes[n-1]
			if c, err = object.GetCommit(s, parent); err != nil {
				return nil, s.explain(fmt.Errorf("revision %q: %w", text, missing(parent, err)), hintRevision)
			}
		}
	}
	return c, nil
}

// explain adds what to do: with a shallow clone it is to fetch more.
func (s *store) explain(err error, hint string) error {
	if len(s.shallow) > 0 {
		hint = "the clone is shallow: fetch more of its history (git fetch --unshallow; fetch-depth: 0 for actions/checkout, GIT_DEPTH: 0 for GitLab CI) and the branch that the revision names"
	}
	return &Error{Err: err, Hint: hint}
}

// named finds a commit by a name: a full hash, a reference, the beginning of a hash.
func (s *store) named(name string) (*object.Commit, error) {
	if len(name) == 40 {
		if b, err := hex.DecodeString(name); err == nil {
			return s.peel(plumbing.Hash(b))
		}
	}
	var broken error
	for _, rule := range plumbing.RefRevParseRules {
		found, err := storer.ResolveReference(s.main, plumbing.ReferenceName(fmt.Sprintf(rule, name)))
		switch {
		case err == nil && found != nil && !found.Hash().IsZero():
			return s.peel(found.Hash())
		case err != nil && !errors.Is(err, plumbing.ErrReferenceNotFound) && !errors.Is(err, dotgit.ErrReferenceNameEscape):
			broken = err
		}
	}
	c, err := s.short(name)
	if err != nil && broken != nil {
		err = fmt.Errorf("%w (%v)", err, broken)
	}
	return c, err
}

var errUnknown = errors.New("no branch, tag or commit of that name is here")

// short finds the one commit whose hash begins with prefix.
func (s *store) short(prefix string) (*object.Commit, error) {
	prefix = strings.ToLower(prefix)
	b, err := hex.DecodeString(prefix[:len(prefix)&^1])
	if err != nil || len(prefix) < 4 || len(prefix) > 40 {
		return nil, errUnknown
	}
	var hashes []plumbing.Hash
	for _, st := range append(slices.Clone(s.alternates), s.main) {
		found, err := st.HashesWithPrefix(b)
		if err != nil {
			return nil, fmt.Errorf("look for the commit %s…: %w", prefix, err)
		}
		hashes = append(hashes, found...)
	}
	commits := map[plumbing.Hash]*object.Commit{}
	for _, h := range hashes {
		if !strings.HasPrefix(h.String(), prefix) {
			continue
		}
		if c, err := s.peel(h); err == nil {
			commits[c.Hash] = c
		}
	}
	if len(commits) > 1 {
		return nil, fmt.Errorf("%d commits have a hash that begins so", len(commits))
	}
	for _, c := range commits {
		return c, nil
	}
	return nil, errUnknown
}

// maxTags: a tag of a tag of a tag is one too many.
const maxTags = 10

// peel returns the commit that a hash names, by way of annotated tags.
func (s *store) peel(h plumbing.Hash) (*object.Commit, error) {
	for range maxTags {
		o, err := s.EncodedObject(plumbing.AnyObject, h)
		if err != nil {
			return nil, missing(h, err)
		}
		switch o.Type() {
		case plumbing.CommitObject:
			return object.DecodeCommit(s, o)
		case plumbing.TagObject:
			t, err := object.DecodeTag(s, o)
			if err != nil {
				return nil, fmt.Errorf("the tag %s: %w", h, err)
			}
			h = t.Target
		default:
			return nil, fmt.Errorf("%s is a %s, no commit", h, o.Type())
		}
	}
	return nil, fmt.Errorf("tags of tags, more than %d deep", maxTags)
}
