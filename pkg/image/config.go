package image

import (
	"fmt"
	"sort"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/strictjson"
	"github.com/intact-dev/intact/pkg/ref"
)

// ParseConfig reads an image config strictly; layers is the number of layers
// of the manifest that points to it. ok is false if the config has no usable
// reading, and then the problems say why.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
func ParseConfig(raw []byte, layers int) (cfg fact.Config, problems []fact.Problem, ok bool) {
	v, ambiguities, err := strictjson.Parse(raw, limits.JSONDepth)
	if err != nil {
		return cfg, []fact.Problem{{Kind: fact.ProblemUnverifiable, Detail: "the config cannot be read: " + err.Error()}}, false
	}
	problems = ambiguityProblems(ambiguities)
	o, isObject := v.(*strictjson.Object)
	if !isObject {
		return cfg, append(problems, fact.Problem{Kind: fact.ProblemUnverifiable, Detail: "the config is no JSON object"}), false
	}
	var r strictjson.Reader
	cfg.LayerCount = layers
	cfg.Platform = ref.Platform{
		OS: r.String(o, "", "os"), Architecture: r.String(o, "", "architecture"),
		Variant: r.String(o, "", "variant"), OSVersion: r.String(o, "", "os.version"),
	}
	if s := r.String(o, "", "created"); s != "" {
		// A time that does not parse is no defect of the content.
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			cfg.Created = t.UTC()
		}
	}
	if c := r.Object(o, "", "config"); c != nil {
		cfg.User = r.String(c, "config", "User")
		cfg.Entrypoint = r.Strings(c, "config", "Entrypoint")
		cfg.Cmd = r.Strings(c, "config", "Cmd")
		cfg.Env = r.Strings(c, "config", "Env")
		cfg.WorkingDir = r.String(c, "config", "WorkingDir")
		cfg.Labels = r.StringMap(c, "config", "Labels")
		cfg.ArgsEscaped = r.Bool(c, "config", "ArgsEscaped")
		if volumes := r.Object(c, "config", "Volumes"); volumes != nil {
			for path := range volumes.Members {
				cfg.Volumes = append(cfg.Volumes, path)
			}
			sort.Strings(cfg.Volumes)
		}
	}
	if fs := r.Object(o, "", "rootfs"); fs != nil {
		for i, s := range r.Strings(fs, "rootfs", "diff_ids") {
			d, err := ref.ParseDigest(s)
			if err != nil {
				cfg.DiffIDErrors = append(cfg.DiffIDErrors, fmt.Sprintf("rootfs.diff_ids[%d]: %v", i, err))
			}
			cfg.DiffIDs = append(cfg.DiffIDs, d)
		}
	}
	cfg.History = history(&r, o)
	for _, f := range r.CaseVariants {
		problems = append(problems, fact.Problem{Kind: fact.ProblemAmbiguous, Detail: "config: " + f})
	}
	for _, f := range r.Faults {
		problems = append(problems, fact.Problem{Kind: fact.ProblemUnverifiable, Detail: "config: " + f})
	}
	return cfg, problems, true
}

func history(r *strictjson.Reader, o *strictjson.Object) []fact.History {
	var out []fact.History
	for i, v := range r.Array(o, "", "history") {
		h, ok := v.(*strictjson.Object)
		if !ok {
			continue
		}
		path := fmt.Sprintf("history[%d]", i)
		out = append(out, fact.History{
			CreatedBy: r.String(h, path, "created_by"),
			Comment:   r.String(h, path, "comment"),
			Empty:     r.Bool(h, path, "empty_layer"),
		})
	}
	return out
}
