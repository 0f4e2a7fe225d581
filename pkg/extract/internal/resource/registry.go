package resource

import (
	"cmp"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
)

// registryOf returns the reader of a type that is a registry, or a part of one.
func registryOf(kind string) reader {
	switch kind {
	case "aws_ecr_repository", "aws_ecr_repository_creation_template", "AWS::ECR::Repository", "AWS::ECR::RepositoryCreationTemplate",
		"aws:ecr:Repository", "aws:ecr:RepositoryCreationTemplate", "aws-native:ecr:Repository", "awsx:ecr:Repository":
		return ecr
	case "google_artifact_registry_repository", "gcp:artifactregistry:Repository":
		return artifactRegistry
	case "harbor_project", "harbor:Project", "harbor:index:Project":
		return harborProject
	case "harbor_immutable_tag_rule", "harbor:ImmutableTagRule", "harbor:index:ImmutableTagRule":
		return harborRule
	case "azurerm_container_registry", "azure:containerservice:Registry", "azure-native:containerregistry:Registry":
		return acr
	case "quay_repository", "quay:Repository", "quay:index:Repository":
		return quay
	}
	return nil
}

func (s *Sink) object(at *Value, path string, o fact.Object) {
	o.Kind = fact.ObjectRegistry
	slices.Sort(o.Exclusions)
	s.objects = append(s.objects, extract.Object{Origin: at.At.Origin(path), Fact: o, Ignored: at.Ignored})
}

// ecr reads a repository's mutability. With exclusion, the filters are the tags of
// which the contrary holds.
//
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImageTagMutability.html
func ecr(s *Sink, r Resource) {
	name := r.Body.Get("name", "repositoryName", "prefix").Known()
	o := fact.Object{Type: r.Type, Name: cmp.Or(name, r.Name)}
	mode, path := r.Body.child(r.Path, "imageTagMutability")
	at := mode
	if mode == nil {
		at, path = r.Body, r.Path
	}
	filters := r.Body.Get("imageTagMutabilityExclusionFilter", "imageTagMutabilityExclusionFilters")
	var patterns []string
	unknown := filters.Unknown()
	for _, f := range filters.Each() {
		p := f.Get("filter", "imageTagMutabilityExclusionFilterValue")
		unknown = cmp.Or(unknown, p.Unknown())
		if text := p.Known(); text != "" {
			patterns = append(patterns, text)
		}
	}
	switch text := strings.ToUpper(mode.Known()); {
	case mode.Unknown() != "":
		o.Unresolved = mode.Unknown()
	case mode == nil, text == "MUTABLE":
		o.TagsMutable = fact.TagsMutable
	case text == "IMMUTABLE":
		o.TagsMutable = fact.TagsImmutable
	case text == "IMMUTABLE_WITH_EXCLUSION":
		o.TagsMutable, o.Exclusions = fact.TagsPartly, patterns
		if unknown != "" {
			o.TagsMutable, o.Exclusions, o.Unresolved = "", nil, "the exclusions: "+unknown
		} else if len(patterns) == 0 {
			o.TagsMutable, o.Unresolved = "", "the mode has exclusions, and none is written"
		}
	case text == "MUTABLE_WITH_EXCLUSION":
		o.TagsMutable, o.Exclusions = fact.TagsMutable, patterns
	default:
		o.Unresolved = "the mode " + mode.Known() + " is not known"
	}
	s.object(at, path, o)
}

// artifactRegistry reads docker_config.immutable_tags. Repositories of other
// formats have no tags, and nobody pushes to a remote or virtual one.
//
// https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories#dockerrepositoryconfig
func artifactRegistry(s *Sink, r Resource) {
	if format := r.Body.Get("format").Known(); format != "" && !strings.EqualFold(format, "DOCKER") {
		return
	}
	if mode := r.Body.Get("mode").Known(); mode == "REMOTE_REPOSITORY" || mode == "VIRTUAL_REPOSITORY" {
		return
	}
	o := fact.Object{Type: r.Type, Name: cmp.Or(r.Body.Get("repositoryId").Known(), r.Name), TagsMutable: fact.TagsMutable}
	v, path := r.Body.child(r.Path, "dockerConfig", "immutableTags")
	at := v
	if v == nil {
		at, path = r.Body, r.Path
	}
	immutable, known := v.Bool()
	switch {
	case v.Unknown() != "":
		o.TagsMutable, o.Unresolved = "", v.Unknown()
	case known && immutable:
		o.TagsMutable = fact.TagsImmutable
	case v != nil && !known:
		o.TagsMutable, o.Unresolved = "", "immutable tags: neither true nor false"
	}
	s.object(at, path, o)
}

func acr(s *Sink, r Resource) {
	s.object(r.Body, r.Path, fact.Object{Type: r.Type, Name: cmp.Or(r.Body.Get("name").Known(), r.Name),
		Unresolved: "this registry has no setting that makes tags immutable: each is locked after its push (az acr repository update --write-enabled false)"})
}

// quay reads a repository, whose tags are mutable unless a policy says otherwise,
// which is made elsewhere.
//
// https://docs.redhat.com/en/documentation/red_hat_quay/3/html/red_hat_quay_api_reference/immutability_policy
func quay(s *Sink, r Resource) {
	s.object(r.Body, r.Path, fact.Object{Type: r.Type, Name: cmp.Or(r.Body.Get("name").Known(), r.Name),
		Unresolved: "the resource does not say whether tags can be overwritten: Quay has immutability policies for that, which are made over its API"})
}

// harborProject is a project's tags without a rule.
func harborProject(s *Sink, r Resource) {
	if r.Governed {
		return
	}
	s.object(r.Body, r.Path, fact.Object{Type: r.Type, Name: cmp.Or(r.Body.Get("name").Known(), r.Name), TagsMutable: fact.TagsMutable})
}

// harborRule reads a rule: tags that match, or all but those that are excluded, in
// such repositories.
//
// https://goharbor.io/docs/main/working-with-projects/working-with-images/create-tag-immutability-rules/
func harborRule(s *Sink, r Resource) {
	o := fact.Object{Type: r.Type, Name: r.Name}
	get := func(key string) string {
		v := r.Body.Get(key)
		o.Unresolved = cmp.Or(o.Unresolved, v.Unknown())
		return v.Known()
	}
	repos, reposBut, tags, tagsBut := get("repoMatching"), get("repoExcluding"), get("tagMatching"), get("tagExcluding")
	disabled := get("disabled") == "true"
	switch {
	case o.Unresolved != "":
	case disabled:
		o.TagsMutable = fact.TagsMutable
	case repos != "" && repos != "**" || reposBut != "":
		o.Unresolved = "the rule is for some repositories of the project; of the others nothing is said"
	case tagsBut != "":
		o.TagsMutable, o.Exclusions = fact.TagsPartly, []string{tagsBut}
	case tags == "" || tags == "**":
		o.TagsMutable = fact.TagsImmutable
	default:
		o.TagsMutable, o.Exclusions = fact.TagsMutable, []string{tags}
	}
	s.object(r.Body, r.Path, o)
}
