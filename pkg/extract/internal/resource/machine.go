package resource

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// machineOf returns the reader of a type that names images of machines.
func machineOf(kind string) reader {
	switch kind {
	case "aws_ami", "aws:ec2:getAmi":
		return amiLookup
	case "aws_ssm_parameter", "aws:ssm:getParameter":
		return ssmParameter
	case "aws_instance", "aws_spot_instance_request", "aws:ec2:Instance", "aws:ec2:SpotInstanceRequest", "AWS::EC2::Instance":
		return instance
	case "aws_launch_template", "aws:ec2:LaunchTemplate", "AWS::EC2::LaunchTemplate":
		return machineAt(classOfAMI, "imageId", "launchTemplateData.imageId")
	case "aws_launch_configuration", "aws:ec2:LaunchConfiguration", "AWS::AutoScaling::LaunchConfiguration":
		return machineAt(classOfAMI, "imageId")
	case "aws_autoscaling_group", "aws:autoscaling:Group", "AWS::AutoScaling::AutoScalingGroup", "aws_eks_node_group", "aws:eks:NodeGroup", "AWS::EKS::Nodegroup",
		"aws_ec2_fleet", "aws_spot_fleet_request":
		return launchTemplates
	case "google_compute_image", "gcp:compute:getImage":
		return imageFamily
	case "google_compute_instance", "gcp:compute:Instance":
		return machineAt(classOfGCE, "bootDisk.initializeParams.image")
	case "google_compute_instance_template", "google_compute_region_instance_template", "gcp:compute:InstanceTemplate", "gcp:compute:RegionInstanceTemplate":
		return machineAt(classOfGCE, "disk|disks.sourceImage")
	case "google_compute_disk", "google_compute_region_disk", "gcp:compute:Disk":
		return machineAt(classOfGCE, "image")
	case "azurerm_shared_image_version", "azurerm_platform_image":
		return azureLookup
	}
	if strings.HasPrefix(kind, "azurerm_") && (strings.Contains(kind, "virtual_machine") || strings.HasSuffix(kind, "_node_pool")) ||
		strings.HasPrefix(kind, "azure-native:compute:VirtualMachine") || strings.HasPrefix(kind, "azure:compute:") {
		return azureMachine
	}
	return nil
}

// FromParameter is where a value is from that a parameter of SSM holds: its text is
// the parameter's name.
const FromParameter = "ssm"

// parameterName takes a name out of {{resolve:ssm:name}}.
func parameterName(s string) string {
	s, _ = strings.CutPrefix(strings.TrimSuffix(s, "}}"), "{{resolve:ssm:")
	return s
}

// Parameter adds a parameter of a template that is the name of one of SSM that
// holds an image of machines.
func (s *Sink) Parameter(v *Value, path string) { s.machine(v, path, classOfParameter) }

// lookups are resources that are found by themselves, so that who uses what they
// find need not be.
var lookups = lazy.Regexp(`^data\.(aws_ami|aws_ssm_parameter|google_compute_image|azurerm_platform_image|azurerm_shared_image_version)\b|^(aws|gcp):.*:get(Ami|Parameter|Image)$`)

// machine adds the image of a machine that v names.
func (s *Sink) machine(v *Value, path string, classOf func(string) ref.Class) {
	if !v.there() || v.Kind == List || v.Kind == Map || lookups().MatchString(v.From) {
		return
	}
	if v.Kind == Scalar && v.Text.Len() == 0 {
		return
	}
	f := found(v, path, ref.KindMachineImage)
	switch {
	case v.From == FromParameter:
		f.Unresolved, f.Class = "", classOfParameter(parameterName(f.Raw))
	case f.Unresolved == "":
		f.Class = classOf(f.Raw)
	}
	f.Unresolved = notTold(f)
	s.add(f, v.Text)
}

// says adds an image of a machine that several values say together.
func (s *Sink) says(at *Value, path, text string, class ref.Class) {
	f := found(&Value{Kind: Scalar, Text: written.Made(text), At: at.At, Ignored: at.Ignored}, path, ref.KindMachineImage)
	f.Class = class
	f.Unresolved = notTold(f)
	s.add(f, written.Text{})
}

// notTold is why it is not known which image f will be.
func notTold(f extract.Found) string {
	if f.Class == "" && f.Unresolved == "" {
		return "whether it can come to be another image, its name does not tell"
	}
	return f.Unresolved
}

// machineAt reads paths of keys; the elements of lists on the way one by one.
func machineAt(classOf func(string) ref.Class, paths ...string) reader {
	return func(s *Sink, r Resource) {
		for _, p := range paths {
			eachAt(r.Body, r.Path, strings.Split(p, "."), func(v *Value, path string) { s.machine(v, path, classOf) })
		}
	}
}

func eachAt(v *Value, path string, keys []string, do func(*Value, string)) {
	if len(keys) == 0 {
		do(v, path)
		return
	}
	if v != nil && v.Kind == List {
		for i, item := range v.Items {
			eachAt(item, fmt.Sprintf("%s[%d]", path, i), keys, do)
		}
		return
	}
	child, at := v.child(path, keys[0])
	eachAt(child, at, keys[1:], do)
}

func instance(s *Sink, r Resource) {
	machineAt(classOfAMI, "ami|imageId")(s, r)
	launchTemplates(s, r)
}

var amiID = lazy.Regexp(`^ami-[0-9a-f]+$`)

// classOfAMI is that of what EC2 takes for an image: its ID, or a parameter that
// holds one.
//
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html
func classOfAMI(s string) ref.Class {
	name, parameter := strings.CutPrefix(s, "resolve:ssm:")
	switch {
	case amiID().MatchString(s):
		return ref.Fixed
	case parameter || strings.HasPrefix(s, "/"):
		return classOfParameter(name)
	}
	return ""
}

// A parameter has versions: name:3. Those that AWS and others publish with a word
// such as latest change with each image.
var (
	parameterVersion = lazy.Regexp(`:\d+$`)
	parameterMoves   = lazy.Regexp(`(?i)(^|[/_.-])(latest|current|recommended|default|stable)([/_.-]|$)`)
	parameterDated   = lazy.Regexp(`(^|[/_.v-])20\d{6}([/_.-]|$)`)
	parameterOfImage = lazy.Regexp(`(?i)(^|[/_.-])(amis?|ami-id|image_id|image-id|optimized-ami|bottlerocket|ubuntu|debian|windows|amazon-linux)([/_.-]|$)`)
)

func classOfParameter(name string) ref.Class {
	switch {
	case parameterVersion().MatchString(name):
		return ref.Fixed
	case parameterDated().MatchString(name) && !strings.Contains(strings.ToLower(name), "latest"):
		return ref.Fixed
	case parameterMoves().MatchString(name):
		return ref.Floating
	case strings.HasPrefix(name, "/aws/service/"):
		return ref.Floating // AWS puts each new image there
	}
	return "" // what another wrote there may be written anew, or not
}

// ImageParameter reports whether a parameter holds an image of machines, by its
// name: it is then found where it is looked up.
func ImageParameter(name string) bool { return parameterOfImage().MatchString(name) }

func ssmParameter(s *Sink, r Resource) {
	if !r.Data && r.Type == "aws_ssm_parameter" {
		return
	}
	name, path := r.Body.child(r.Path, "name")
	if text := name.Known(); text != "" && !parameterOfImage().MatchString(text) {
		return
	}
	if name.Unknown() != "" && !parameterOfImage().MatchString(name.Text.String()) {
		return // any parameter; what an image is made of it says so
	}
	s.machine(name, path, classOfParameter)
}

// amiLookup is a search for an image. With most_recent it is the newest that
// matches; one of an exact name of a certain owner can be no other.
func amiLookup(s *Sink, r Resource) {
	if !r.Data && r.Type == "aws_ami" {
		return
	}
	names, exact := amiNames(r.Body)
	recent, path := r.Body.child(r.Path, "mostRecent")
	if recent.Unknown() != "" {
		s.machine(recent, path, classOfAMI)
		return
	}
	owners := r.Body.Get("owners")
	at := recent
	if at == nil {
		at, path = r.Body, r.Path
	}
	newest, _ := recent.Bool()
	text := strings.Join(names, ", ")
	if text == "" {
		text = r.Path
	}
	switch {
	case exact && owners != nil && owners.Unknown() == "":
		s.says(at, path, text, ref.Fixed)
	case newest:
		s.says(at, path, text+" (most recent)", ref.Floating)
	default:
		s.says(at, path, text, "")
	}
}

// amiNames returns the names that are searched for, and whether each can match
// only one image of an owner.
func amiNames(body *Value) (names []string, exact bool) {
	exact = true
	for _, f := range body.Get("filter", "filters").Each() {
		name := f.Get("name").Known()
		if name != "name" && name != "image-id" {
			continue
		}
		for _, v := range f.Get("values").Each() {
			names = append(names, v.Text.String())
			exact = exact && v.Unknown() == "" && !strings.ContainsAny(v.Text.String(), "*?")
		}
	}
	return names, exact && len(names) == 1
}
