package kube

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// Fields whose names say that they are about images, in everything that a pod
// is made of. A version of the API with a new one fails the test until somebody
// has looked at it.
var (
	covered = []string{
		"Container.Image",
		"EphemeralContainerCommon.Image",
		"VolumeSource.Image", // within it:
		"ImageVolumeSource.Reference",
		"PodSpec.ImagePullSecrets",
		"Container.ImagePullPolicy",
		"EphemeralContainerCommon.ImagePullPolicy",
		"ImageVolumeSource.PullPolicy",
		// Of the status, by the observer.
		"ContainerStatus.ImageID",
		"VolumeStatus.Image",
		"ImageVolumeStatus.ImageRef",
	}
	irrelevant = []string{
		"ContainerStatus.Image",    // some name that the runtime has for it, not what was asked for
		"RBDVolumeSource.RBDImage", // a disk
	}
	aboutImages = regexp.MustCompile(`(?i)image|^reference$|artifact|digest|^oci|pullpolicy`)
)

func TestEveryImageFieldIsKnown(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, top := range []any{corev1.PodSpec{}, corev1.PodStatus{}, corev1.PodTemplateSpec{}} {
		walk(reflect.TypeOf(top), map[reflect.Type]bool{}, func(owner reflect.Type, f reflect.StructField) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if aboutImages.MatchString(f.Name) || aboutImages.MatchString(name) {
				found[owner.Name()+"."+f.Name] = true
			}
		})
	}
	for name := range found {
		if !slices.Contains(covered, name) && !slices.Contains(irrelevant, name) {
			t.Errorf("%s may name an image: is it read? then add it to covered, else to irrelevant with the reason", name)
		}
	}
	for _, name := range covered {
		if !found[name] {
			t.Errorf("%s is covered, and the API does not have it", name)
		}
	}
	if len(found) < 8 {
		t.Errorf("the walk found only %v", found)
	}
}

// walk visits every field of t and of what it is made of, each type once.
func walk(t reflect.Type, seen map[reflect.Type]bool, visit func(reflect.Type, reflect.StructField)) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		walk(t.Elem(), seen, visit)
	case reflect.Struct:
		if seen[t] {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			f := t.Field(i)
			visit(t, f)
			walk(f.Type, seen, visit)
		}
	}
}

// Every string of a specification whose field says that it is an image comes out
// of Images. This finds what the list of names above would only promise.
func TestEveryImageIsFound(t *testing.T) {
	t.Parallel()
	var spec corev1.PodSpec
	n := 0
	var want []string
	fill(reflect.ValueOf(&spec).Elem(), "", func(owner reflect.Type, name string) string {
		n++
		s := fmt.Sprintf("registry.example/n%d", n)
		switch owner.Name() + "." + name {
		case "Container.Image", "EphemeralContainerCommon.Image", "ImageVolumeSource.Reference":
			want = append(want, s)
		}
		return s
	}, 12)
	var got []string
	for _, i := range Images(nil, &spec, "spec") {
		got = append(got, i.Image)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) || len(want) != 4 {
		t.Errorf("images %v, want %v", got, want)
	}
}

// fill sets every string below v, with one element in every list.
func fill(v reflect.Value, field string, text func(owner reflect.Type, field string) string, depth int) {
	if depth == 0 {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), field, text, depth-1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), field, text, depth-1)
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue
			}
			if f.Type.Kind() == reflect.String {
				v.Field(i).SetString(text(v.Type(), f.Name))
				continue
			}
			fill(v.Field(i), f.Name, text, depth-1)
		}
	}
}

// The API's own name is given to each kind of volume, and each source that can be
// read-only is.
func TestEveryKindOfVolume(t *testing.T) {
	t.Parallel()
	typ := reflect.TypeFor[corev1.VolumeSource]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		want, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			var v corev1.VolumeSource
			reflect.ValueOf(&v).Elem().Field(i).Set(reflect.New(f.Type.Elem()))
			kind, _, readOnly := volume(&v, "")
			if kind != want {
				t.Errorf("kind %q, want %q", kind, want)
			}
			ro, stated := f.Type.Elem().FieldByName("ReadOnly")
			if !stated {
				return
			}
			if readOnly {
				t.Error("it is read-only without saying so")
			}
			field := reflect.ValueOf(&v).Elem().Field(i).Elem().FieldByName("ReadOnly")
			if ro.Type.Kind() == reflect.Pointer {
				field.Set(reflect.New(ro.Type.Elem()))
				field = field.Elem()
			}
			field.SetBool(true)
			if _, _, readOnly = volume(&v, ""); !readOnly {
				t.Error("it says that it is read-only and is not")
			}
		})
	}
	if kind, _, _ := volume(&corev1.VolumeSource{}, ""); kind != KindUnknown {
		t.Errorf("no kind is %q", kind)
	}
}
