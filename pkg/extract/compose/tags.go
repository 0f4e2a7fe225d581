package compose

import (
	"path"

	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A place is an offset in a file.
type place struct {
	file   string
	offset int
}

// An assigned is a variable of a file and how long its value is.
type assigned struct {
	name   string
	length int
}

// keepTags: a digest behind a tag that stands in a variable goes wherever the
// variable goes. Only where images alone have it there is it changed.
func (r *reader) keepTags() {
	uses, images := map[string]int{}, map[string]int{}
	for _, s := range r.files {
		for _, m := range variable().FindAllSubmatch(s.file.Data, -1) {
			uses[string(m[1])]++
		}
	}
	for _, t := range r.uses {
		for _, m := range variable().FindAllStringSubmatch(t, -1) {
			images[m[1]]++
		}
	}
	for i := range r.refs {
		site := r.refs[i].Site
		if site == nil || r.files[site.File] != nil {
			continue
		}
		for at, a := range r.assigned {
			if at.file == site.File && at.offset <= site.Start && site.End <= at.offset+a.length && (r.envFiles[at.file] || uses[a.name] > images[a.name]) {
				r.refs[i].Site = nil
			}
		}
	}
}

var variable = lazy.Regexp(`\$\{?([A-Za-z_]\w*)`)

// environmentFiles notes the files that a service's container has its
// environment from.
func (r *reader) environmentFiles(s service) {
	for _, i := range s.all("env_file") {
		n := i.node
		if n.IsMap() {
			n = n.Get("path")
		}
		r.envFiles[path.Join(i.layer.dir, i.layer.env.text(i.layer.src, n).Text.String())] = true
	}
}
