package terraform_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/terraform"
	"github.com/intact-dev/intact/pkg/fact"
)

func run(t *testing.T, files map[string]string) extract.Result {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, data := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(data)}
	}
	r, err := terraform.Extractor{}.Extract(fsys, "main.tf")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What is written to take long, or to go deep, ends, and is not told to be clean.
func TestWhatIsWrittenToTakeLong(t *testing.T) {
	t.Parallel()
	image := func(x string) string { return "resource \"docker_image\" \"x\" {\n  name = " + x + "\n}\n" }
	double := "locals {\n  l0 = [\"a\"]\n"
	for i := 1; i < 40; i++ {
		double += fmt.Sprintf("  l%d = concat(local.l%d, local.l%d)\n", i, i-1, i-1)
	}
	calls := map[string]string{}
	for i := range 30 {
		calls[fmt.Sprintf("m%d/x.tf", i)] = fmt.Sprintf("module \"a\" {\n  source = \"../m%d\"\n}\nmodule \"b\" {\n  source = \"../m%d\"\n}\n", i+1, i+1)
	}
	calls["m30/x.tf"] = image(`"deep:1"`)
	calls["main.tf"] = "module \"a\" {\n  source = \"./m0\"\n}\n"
	tests := []struct {
		name  string
		files map[string]string
	}{
		{"lists_that_double", map[string]string{"main.tf": double + "}\n" + image("join(\"\", local.l39)")}},
		{"texts_that_double", map[string]string{"main.tf": strings.ReplaceAll(strings.ReplaceAll(double, "[\"a\"]", "\"aaaa\""), "concat(", "format(\"%s%s\", ") + "}\n" + image("local.l39")}},
		{"loops_in_loops", map[string]string{"main.tf": "locals { r = range(1000) }\n" +
			image("join(\"\", flatten([for a in local.r : [for b in local.r : [for c in local.r : \"x\"]]]))")}},
		{"count_of_a_billion", map[string]string{"main.tf": "resource \"docker_image\" \"x\" {\n  count = 1000000000\n  name = \"x${count.index}:1\"\n}\n"}},
		{"modules_that_double", calls},
		{"brackets", map[string]string{"main.tf": image(strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000))}},
		{"negations", map[string]string{"main.tf": image(strings.Repeat("!", 50_000) + "true")}},
		{"templates", map[string]string{"main.tf": image(strings.Repeat("\"${", 1000) + "1" + strings.Repeat("}\"", 1000))}},
		{"blocks", map[string]string{"main.tf": "resource \"docker_image\" \"x\" {\n" + strings.Repeat("a {\n", 3000) + strings.Repeat("}\n", 3000) + "  name = var.x\n}\n"}},
		{"conditions", map[string]string{"main.tf": image(strings.Repeat("false ? 1 : ", 3000) + "1")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fsys := fstest.MapFS{}
			for name, data := range tt.files {
				fsys[name] = &fstest.MapFile{Data: []byte(data)}
			}
			r, err := terraform.Extractor{}.Extract(fsys, "main.tf")
			if err != nil {
				return
			}
			for _, f := range r.Found {
				if f.Unresolved != "" {
					return
				}
			}
			if len(r.Problems) == 0 {
				t.Errorf("%d found, and nothing is said", len(r.Found))
			}
		})
	}
}

func TestAFileThatIsTooLarge(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{"main.tf": {Data: make([]byte, 2<<20)}, "other.tf": {Data: []byte("resource \"docker_image\" \"x\" {\n  name = \"x:1\"\n}\n")}}
	if _, err := (terraform.Extractor{}).Extract(fsys, "main.tf"); err == nil || !strings.Contains(err.Error(), "size of a file of HCL") {
		t.Errorf("%v", err)
	}
	r, err := terraform.Extractor{}.Extract(fsys, "other.tf")
	if err != nil || len(r.Found) != 1 {
		t.Errorf("%v %v", r, err)
	}
}

func TestWhatBelongsTogetherIsToldByOne(t *testing.T) {
	t.Parallel()
	r := run(t, map[string]string{
		"main.tf":   "module \"a\" {\n  source = \"./a\"\n}\nmodule \"b\" {\n  source = \"./b\"\n}\nmodule \"c\" {\n  source = \"./c\"\n}\n",
		"a/main.tf": "variable \"must\" {}\nresource \"docker_image\" \"x\" {\n  name = \"x:1\"\n}\n",
		"a/bad.tf":  "resource \"docker_image\" {\n",
		"x.tfvars":  "a = 1\n",
		// One that can stand for itself does.
		"b/main.tf":  "resource \"docker_image\" \"y\" {\n  name = \"y:1\"\n}\n",
		"b/bad.tf":   "resource \"docker_image\" {\n",
		"c/main.tf":  "variable \"must\" {}\nresource \"docker_image\" \"z\" {\n  name = \"z:1\"\n}\n",
		"c/p.tfvars": "must = 1\n",
	})
	if got := fmt.Sprint(r.Claims); got != "[a/bad.tf a/main.tf x.tfvars]" {
		t.Errorf("claims %s", got)
	}
	if len(r.Found) != 3 || len(r.Problems) != 1 || r.Problems[0].Origin.Where != "a/bad.tf" || r.Problems[0].Cause != fact.Unsupported {
		t.Errorf("%+v", r)
	}
}

func TestWhatItReads(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]bool{
		"a/main.tf": true, "x.tofu": true, "x.tfvars": true, "terraform.tfstate": true, "main.tf.bak": false, ".hidden.tf": false, "x.json": false,
	} {
		if got := (terraform.Extractor{}).Match(p, []byte(`{"a": 1}`)); got != want {
			t.Errorf("%s: %v", p, got)
		}
	}
	for head, want := range map[string]bool{
		`{"format_version":"1.2","terraform_version":"1.9.0","planned_values":{}`: true,
		`{"version": 4, "terraform_version": "1.9.0", "lineage": "x"`:             true,
		`{"terraform_version": ">= 1.9.0"}`:                                       false,
	} {
		if got := (terraform.Extractor{}).Match("plan.json", []byte(head)); got != want {
			t.Errorf("%s: %v", head, got)
		}
	}
}

func FuzzHCL(f *testing.F) {
	f.Add("resource \"docker_image\" \"x\" {\n  for_each = toset([\"a\"])\n  name = \"${each.key}:${var.x}\"\n}\nvariable \"x\" { default = \"1\" }\n", "x = \"2\"\n")
	f.Add("resource \"aws_ecs_task_definition\" \"x\" {\n  container_definitions = <<-E\n    [{\"image\": \"${local.y[0]}\"}]\n  E\n}\nlocals { y = [for k, v in {a = 1} : v if k != \"\"] }\n", "")
	f.Add("module \"m\" {\n  source = \"./m\"\n  image = try(a.b, null)\n}\nresource \"kubernetes_pod\" \"p\" {\n  spec {\n    dynamic \"container\" {\n      for_each = [1]\n      content { image = \"x\" }\n    }\n  }\n}\n", "a")
	f.Add("resource \"docker_image\" \"x\" {\n  name = format(\"%s%%%d\", \"a\\u0041\", 1) # intact:ignore REF001 x\n}\n", "")
	f.Fuzz(func(t *testing.T, data, vars string) {
		fsys := fstest.MapFS{
			"main.tf": {Data: []byte(data)}, "terraform.tfvars": {Data: []byte(vars)},
			"m/main.tf": {Data: []byte("variable \"image\" {}\nresource \"docker_image\" \"m\" {\n  name = var.image\n}\n")},
		}
		r, err := terraform.Extractor{}.Extract(fsys, "main.tf")
		if err != nil {
			return
		}
		for _, found := range r.Found {
			if s := found.Site; s != nil && (s.Start < 0 || s.End > len(fsys[s.File].Data) || s.Start > s.End) {
				t.Fatalf("%+v", found)
			}
			if found.Origin.Line < 1 || found.Origin.Column < 1 {
				t.Fatalf("%+v", found.Origin)
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add("x.tfstate", []byte(`{"resources":[{"mode":"managed","type":"docker_image","name":"a","instances":[{"index_key":0,"attributes":{"name":"a:1"}}]}]}`))
	f.Add("plan.json", []byte(`{"terraform_version":"1","format_version":"1","resource_changes":[{"address":"a","type":"docker_container","change":{"after":{"image":null,"mounts":[{}]},"after_unknown":{"image":true,"mounts":[{"target":true},true]}}}]}`))
	f.Add("main.tf.json", []byte(`{"variable":{"v":{"type":"object({a = optional(string, \"b\")})","default":{}}},"locals":[{"l":"${var.v.a}"}],"resource":[{"docker_image":{"x":[{"name":"${lookup({a = local.l}, \"a\")}:1"}]}}],"module":{"m":{"source":"./m","image":"%{if true}x%{endif}"}}}`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if name != "main.tf.json" && name != "x.tfstate" {
			name = "plan.json"
		}
		fsys := fstest.MapFS{name: {Data: data}, "m/main.tf": {Data: []byte("variable \"image\" {}\nresource \"docker_image\" \"m\" {\n  name = var.image\n}\n")}}
		r, err := terraform.Extractor{}.Extract(fsys, name)
		if err != nil {
			return
		}
		for _, found := range r.Found {
			if s := found.Site; s != nil && (fsys[s.File] == nil || s.Start < 0 || s.End > len(fsys[s.File].Data) || s.Start > s.End) {
				t.Fatalf("%+v", found)
			}
			if fsys[found.Origin.Where] == nil || found.Origin.Line < 1 {
				t.Fatalf("%+v", found.Origin)
			}
		}
	})
}
