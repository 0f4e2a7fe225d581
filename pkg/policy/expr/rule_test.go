package expr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy/expr"
)

var now = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func compile(t *testing.T, fail string) check.Check {
	t.Helper()
	p, err := expr.Compile(expr.Rule{ID: "ACME001", Title: "not as we want it", Fail: fail})
	if err != nil {
		t.Fatalf("Compile(%q): %v", fail, err)
	}
	c := p.Check(now)
	if err := check.Validate([]check.Check{c}); err != nil {
		t.Errorf("Validate: %v", err)
	}
	return c
}

func TestRule(t *testing.T) {
	t.Parallel()
	image := fact.Of(fact.Image{Class: fact.ClassImage, Name: "ghcr.io/acme/api"})
	config := func(c fact.Config) *fact.Set { return &fact.Set{Image: image, Config: fact.Of(c)} }
	layers := func(parts ...fact.Value[fact.Layer]) *fact.Set {
		return &fact.Set{Image: image, Layers: fact.ListOf(parts...)}
	}
	small, large := fact.Of(fact.Layer{Size: 1}), fact.Of(fact.Layer{Size: 1 << 30})
	lost := fact.Missing[fact.Layer](fact.Network, "connection reset")
	old := fact.Config{Created: now.AddDate(-1, 0, 0)}
	const age = `config.created < now - duration("2160h")`
	const big = `layers.exists(l, l.size > 1000)`

	fail := check.Result{Outcome: check.Fail}
	pass := check.Result{Outcome: check.Pass}
	undecided := func(c fact.Cause, why string) check.Result { return check.Result{Cause: c, Why: why} }
	for name, tt := range map[string]struct {
		fail string
		set  *fact.Set
		want check.Result
	}{
		"too_old":                  {age, config(old), fail},
		"young":                    {age, config(fact.Config{Created: now}), pass},
		"date_not_stated":          {age, config(fact.Config{}), undecided(fact.Dependency, "created is not stated in fact.Config (has(…) asks for it)")},
		"date_asked_for":           {`!has(config.created)`, config(fact.Config{}), fail},
		"empty_text_has_a_value":   {`config.workingDir == ""`, config(fact.Config{}), fail},
		"config_unknown":           {age, &fact.Set{Image: image, Config: fact.Missing[fact.Config](fact.RateLimited, "429")}, undecided(fact.RateLimited, "429")},
		"config_not_asked":         {age, &fact.Set{Image: image, Config: fact.Missing[fact.Config](fact.NotAsked, "depth reference")}, check.Result{Outcome: check.NotAsked, Cause: fact.NotAsked, Why: "depth reference"}},
		"has_of_unknown":           {`has(config.created)`, &fact.Set{Image: image, Config: fact.Missing[fact.Config](fact.Network, "lost")}, undecided(fact.Network, "lost")},
		"negated_has_of_unknown":   {`!has(config.created)`, &fact.Set{Image: image, Config: fact.Missing[fact.Config](fact.Network, "lost")}, undecided(fact.Network, "lost")},
		"never_gathered":           {age, &fact.Set{Image: image}, undecided(fact.Internal, "config is not known")},
		"known_decides":            {`config.user == "root" || user.uid == 0`, config(fact.Config{User: "root"}), fail},
		"known_does_not_decide":    {`config.user == "root" || user.uid == 0`, config(fact.Config{User: "app"}), undecided(fact.Internal, "user is not known")},
		"label":                    {`config.labels["team"] == "net"`, config(fact.Config{Labels: map[string]string{"team": "net"}}), fail},
		"no_label":                 {`config.labels["team"] == "net"`, config(fact.Config{}), undecided(fact.Dependency, "no such key: team")},
		"label_asked_for":          {`!("team" in config.labels)`, config(fact.Config{}), fail},
		"one_layer_large":          {big, layers(small, large), fail},
		"large_beside_lost":        {big, layers(lost, large), fail},
		"no_layer_large":           {big, layers(small), pass},
		"layer_lost":               {big, layers(small, lost), undecided(fact.Network, "connection reset")},
		"all_beside_lost":          {`!layers.all(l, l.size < 1000)`, layers(small, lost), undecided(fact.Network, "connection reset")},
		"filter_beside_lost":       {`layers.filter(l, l.size > 1000).size() > 0`, layers(small, lost), undecided(fact.Network, "connection reset")},
		"has_in_lost":              {`layers.exists(l, has(l.foreign))`, layers(small, lost), undecided(fact.Network, "connection reset")},
		"not_has_in_lost":          {`layers.exists(l, !has(l.foreign) && l.size > 5)`, layers(small, lost), undecided(fact.Network, "connection reset")},
		"index_of_lost":            {`layers[1].size > 5`, layers(small, lost), undecided(fact.Network, "connection reset")},
		"number_of_lost":           {`layers.size() > 1`, layers(small, lost), fail},
		"layers_unknown":           {big, &fact.Set{Image: image, Layers: fact.MissingList[fact.Layer](fact.Deadline, "15m")}, undecided(fact.Deadline, "15m")},
		"no_pin":                   {`pin.tag == "1"`, &fact.Set{Pin: fact.None[fact.Pin]()}, check.Result{Outcome: check.NotApplicable, Why: "there is no pin"}},
		"no_pin_asked_for":         {`pin == null`, &fact.Set{Pin: fact.None[fact.Pin]()}, fail},
		"no_pin_asked_for_reverse": {`null == pin`, &fact.Set{Pin: fact.None[fact.Pin]()}, fail},
		"pin":                      {`pin != null && pin.tag == "1"`, &fact.Set{Pin: fact.Of(fact.Pin{Tag: "1"})}, fail},
		"pin_not_null":             {`pin == null`, &fact.Set{Pin: fact.Of(fact.Pin{Tag: "1"})}, pass},
		"pin_unknown":              {`pin == null`, &fact.Set{Pin: fact.Missing[fact.Pin](fact.Network, "lost")}, undecided(fact.Network, "lost")},
		"reference":                {`reference.ref.name.startsWith("docker.io/")`, &fact.Set{Reference: fact.Of(fact.Reference{})}, pass},
		"other_class":              {age, &fact.Set{Image: fact.Of(fact.Image{Class: fact.ClassArtifact}), Config: fact.Of(old)}, check.Result{Outcome: check.NotApplicable, Why: "class artifact"}},
		"image":                    {`image.platforms.size() > 0`, &fact.Set{Image: fact.Of(fact.Image{Platforms: []fact.Child{{}}})}, fail},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.want.Check = "ACME001"
			if tt.set.Reference.State == fact.Unknown {
				tt.set.Reference = fact.Of(fact.Reference{})
			}
			got := check.Evaluate(compile(t, tt.fail), tt.set)
			if d := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(check.Result{}, "Findings")); d != "" {
				t.Errorf("Evaluate (-want +got):\n%s", d)
			}
		})
	}
}

func TestCompile_refuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rule expr.Rule
		want string
	}{
		"typo_in_fact":      {expr.Rule{Fail: `confg.user == ""`}, `column 1: undeclared reference to 'confg'`},
		"typo_in_field":     {expr.Rule{Fail: `true && config.usr == ""`}, `column 15: undefined field 'usr'`},
		"second_line":       {expr.Rule{Fail: "true &&\n config.usr == ''"}, `column 16: undefined field 'usr'`},
		"wrong_type":        {expr.Rule{Fail: `config.user == 1`}, `no matching overload`},
		"no_bool":           {expr.Rule{Fail: `config.user`}, `it is of type string; expected true or false`},
		"empty":             {expr.Rule{Fail: ` `}, `it is empty`},
		"syntax":            {expr.Rule{Fail: `config.user ==`}, `Syntax error`},
		"bad_duration":      {expr.Rule{Fail: `config.created < now - duration("90d")`}, `invalid duration`},
		"bad_regexp":        {expr.Rule{Fail: `config.user.matches("(")`}, `invalid matches`},
		"no_fact":           {expr.Rule{Fail: `now > timestamp("2026-01-01T00:00:00Z")`}, `it reads no fact`},
		"two_subjects":      {expr.Rule{Fail: `tag.name == "1" && config.user == ""`}, `tag, config belong to no one subject`},
		"deep_nesting":      {expr.Rule{Fail: strings.Repeat("(", 500) + "true" + strings.Repeat(")", 500)}, `compile expression`},
		"long":              {expr.Rule{Fail: strings.Repeat(" ", 5000) + "true"}, `size`},
		"nested_macros":     {expr.Rule{Fail: `layers.exists(a, layers.exists(b, layers.exists(c, layers.exists(d, true))))`}, `nesting`},
		"short_id":          {expr.Rule{ID: "ABC001", Fail: `config.user == ""`}, `4 to 12 capitals and 3 digits`},
		"no_title":          {expr.Rule{Title: strings.Repeat("x", 61), Fail: `config.user == ""`}, `1 to 60 characters`},
		"constructed_facts": {expr.Rule{Fail: `config.usr.x == 1`}, `undefined field`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.rule.ID == "" {
				tt.rule.ID = "ACME001"
			}
			if tt.rule.Title == "" {
				tt.rule.Title = "title"
			}
			_, err := expr.Compile(tt.rule)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Compile(%q) = %v, want an error with %q", tt.rule.Fail, err, tt.want)
			}
		})
	}
}

func TestCompile_scopes(t *testing.T) {
	t.Parallel()
	for fail, want := range map[string][]check.Scope{
		`tag.name == "1"`: {check.ScopeReference},
		`signatures.size() == 0 && image.name == ""`:          {check.ScopeImage},
		`image.name == "" && config.user == ""`:               {check.ScopePlatform},
		`documents.exists(d, d.size > 5)`:                     {check.ScopeImage, check.ScopePlatform},
		`documents.exists(image, image.size > 5)`:             {check.ScopeImage},
		`filesystem.entrypoint.shell && layers.size() > 1000`: {check.ScopePlatform},
	} {
		c := compile(t, fail)
		if d := cmp.Diff(want, c.Scopes); d != "" {
			t.Errorf("scopes of %q (-want +got):\n%s", fail, d)
		}
	}
}
