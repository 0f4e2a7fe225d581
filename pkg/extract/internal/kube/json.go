package kube

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// booleans are the fields that YAML 1.1's other words for true and false may
// stand in.
var booleans = map[string]bool{
	"readOnlyRootFilesystem": true, "privileged": true, "runAsNonRoot": true, "allowPrivilegeEscalation": true,
	"hostUsers": true, "readOnly": true, "optional": true, "hostProcess": true,
}

// appendJSON appends n, and of it what only names; some is false if that is
// nothing.
func appendJSON(dst []byte, n yamlpos.Node, key string, only fields) (_ []byte, some bool) {
	if only != nil && len(only) == 0 && n.IsMap() {
		only = everything // where a value belongs: the API has to refuse it
	}
	switch {
	case n.IsMap():
		start := len(dst)
		dst = append(dst, '{')
		for k, v := range n.Fields() {
			name := k.String()
			below, ok := only[name]
			if only != nil && !ok || only != nil && v.IsZero() {
				continue
			}
			before := len(dst)
			if dst[before-1] != '{' {
				dst = append(dst, ',')
			}
			dst = append(appendText(dst, name), ':')
			var has bool
			if dst, has = appendJSON(dst, v, name, below); !has && only != nil {
				dst = dst[:before]
			}
		}
		if dst = append(dst, '}'); len(dst) == start+2 && only != nil {
			return dst[:start], false
		}
		return dst, true
	case n.IsList():
		dst = append(dst, '[')
		for _, v := range n.Items() {
			before := len(dst)
			if dst[before-1] != '[' {
				dst = append(dst, ',')
			}
			var has bool
			if dst, has = appendJSON(dst, v, key, only); !has {
				dst = dst[:before]
			}
		}
		return append(dst, ']'), true
	}
	return appendScalar(dst, n, key), true
}

func appendScalar(dst []byte, n yamlpos.Node, key string) []byte {
	text, ok := n.Text()
	if !ok {
		return append(dst, "null"...)
	}
	if b, ok := n.Bool(); ok && (booleans[key] || strings.EqualFold(text, "true") || strings.EqualFold(text, "false")) {
		return strconv.AppendBool(dst, b)
	}
	if i, ok := n.Int(); ok {
		return strconv.AppendInt(dst, i, 10)
	}
	if n.Number() && json.Valid([]byte(text)) {
		return append(dst, text...)
	}
	return appendText(dst, text)
}

func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			b, err := json.Marshal(s)
			if err != nil { // a text is always marshalled
				return append(dst, `""`...)
			}
			return append(dst, b...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}
