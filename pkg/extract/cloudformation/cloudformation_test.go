package cloudformation_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/extract/cloudformation"
	"github.com/intact-dev/intact/pkg/extract/internal/resource/resourcetest"
)

func TestCases(t *testing.T) {
	t.Parallel()
	resourcetest.Run(t, cloudformation.Extractor{})
}

// What is written to go deep ends, and is not told to be clean.
func TestWhatIsWrittenToTakeLong(t *testing.T) {
	t.Parallel()
	const head = "AWSTemplateFormatVersion: \"2010-09-09\"\n"
	task := "Resources:\n  T:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      ContainerDefinitions:\n      - Image: "
	double := "Conditions:\n  C0: !Equals [!Ref P, x]\n"
	for i := 1; i < 60; i++ {
		n := string(rune('A'+i/10)) + string(rune('0'+i%10))
		p := string(rune('A'+(i-1)/10)) + string(rune('0'+(i-1)%10))
		if i == 1 {
			p = "C0"
		}
		double += "  " + n + ": !Or [!Condition " + p + ", !Condition " + p + "]\n"
	}
	for name, data := range map[string]string{
		"functions_in_functions": head + task + strings.Repeat("!Join ['', [", 150) + "x" + strings.Repeat("]]", 150),
		"conditions":             head + double + task + "!If [F9, 'a:1', 'b:1']",
		"parameter_of_itself":    head + "Parameters:\n  P: {Default: !Ref P}\n" + task + "!Ref P",
	} {
		r, err := cloudformation.Extractor{}.Extract(fstest.MapFS{"x.yaml": {Data: []byte(data)}}, "x.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Found {
			if f.Unresolved == "" && name != "parameter_of_itself" {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if len(r.Found)+len(r.Problems) == 0 {
			t.Errorf("%s: nothing is said", name)
		}
	}
}

func TestWhatItReads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, head string
		want       bool
	}{
		{"a.yaml", "AWSTemplateFormatVersion: x", true}, {"a.yml", "Type: AWS::S3::Bucket", true}, {"x.template", "{}", false}, {"x.template", "AWS::", true}, {"cdk.out/x.template.json", "{}", true},
		{"a.yaml", "kind: Pod", false}, {"a.go", "AWS::", false}, {"a.json", "\xff\xfe{\x00", true},
	} {
		if got := (cloudformation.Extractor{}).Match(tt.path, []byte(tt.head)); got != tt.want {
			t.Errorf("%s %q: %v", tt.path, tt.head, got)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add([]byte("Transform: x\nParameters: {P: {Default: a, Type: CommaDelimitedList}}\nResources:\n  T:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      ContainerDefinitions:\n      - Image: !Sub [\"${P}:${V}\", {V: !Select [0, !Ref P]}]\n      - !If [C, {Image: x}, !Ref AWS::NoValue]\nConditions: {C: !Or [!Equals [a, b], !Condition C]}\n"))
	f.Add([]byte(`{"Resources":{"I":{"Type":"AWS::EC2::Instance","Properties":{"ImageId":"{{resolve:ssm:/x}}","B":{"Fn::Join":["",[{"Ref":"I"},{"Fn::GetAtt":["I","A"]}]]}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := cloudformation.Extractor{}.Extract(fstest.MapFS{"x.yaml": {Data: data}}, "x.yaml")
		if err != nil {
			return
		}
		for _, found := range r.Found {
			if s := found.Site; s != nil && (s.Start < 0 || s.End > len(data) || s.Start > s.End) || found.Origin.Line < 1 {
				t.Fatalf("%+v", found)
			}
		}
	})
}
