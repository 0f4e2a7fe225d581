package gotemplate

import (
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// others are functions that whoever renders has versions of its own of, or that
// reach out of the template.
var others = []string{"env", "expandenv", "getHostByName", "fail", "toJson", "mustToJson", "fromJson", "fromJsonArray"}

// Funcs are sprig's functions and some of text/template's, within the budget.
// What they make up by chance, or out of the clock, is always the same, and
// certificates are none: no image is known by them.
func (b *Budget) Funcs() template.FuncMap {
	out := template.FuncMap{}
	for name, f := range sprig.TxtFuncMap() {
		out[name] = f
	}
	for _, name := range others {
		delete(out, name)
	}
	out["print"], out["println"], out["printf"] = fmt.Sprint, fmt.Sprintln, fmt.Sprintf
	out["html"], out["js"], out["urlquery"] = template.HTMLEscaper, template.JSEscaper, template.URLQueryEscaper
	for name, f := range fixed() {
		out[name] = f
	}
	for name, f := range out {
		out[name] = b.bound(name, reflect.ValueOf(f))
	}
	for name, f := range b.own() {
		out[name] = f
	}
	return out
}

// A Certificate stands for one that is made when a chart is installed.
type Certificate struct{ Cert, Key string }

func fixed() template.FuncMap {
	text := func(n int) string { return strings.Repeat("x", max(0, n)) }
	cert := func(...any) Certificate { return Certificate{"certificate", "key"} }
	word := func(...any) string { return "made-when-it-is-installed" }
	return template.FuncMap{
		"randAlphaNum": text, "randAlpha": text, "randAscii": text, "randBytes": text,
		"randNumeric": func(n int) string { return strings.Repeat("1", max(0, n)) },
		"randInt":     func(low, _ int) int { return low }, "shuffle": func(s string) string { return s },
		"uuidv4": func() string { return "00000000-0000-4000-8000-000000000000" },
		"now":    func() time.Time { return time.Unix(0, 0).UTC() },
		"bcrypt": word, "htpasswd": word, "genPrivateKey": word, "derivePassword": word, "encryptAES": word, "decryptAES": word,
		"buildCustomCert": cert, "genCA": cert, "genCAWithKey": cert, "genSelfSignedCert": cert, "genSelfSignedCertWithKey": cert,
		"genSignedCert": cert, "genSignedCertWithKey": cert,
	}
}

// makers are functions whose result has to be measured, or that change what they
// are given.
var makers = map[string]bool{
	"dict": true, "list": true, "tuple": true, "append": true, "push": true, "mustAppend": true, "mustPush": true, "prepend": true,
	"mustPrepend": true, "concat": true, "set": true, "merge": true, "mergeOverwrite": true, "mustMerge": true,
	"mustMergeOverwrite": true, "deepCopy": true, "mustDeepCopy": true, "pluck": true, "values": true, "pick": true, "omit": true,
	"toPrettyJson": true, "mustToPrettyJson": true, "toRawJson": true, "mustToRawJson": true,
}

var changers = map[string]bool{"set": true, "unset": true, "merge": true, "mergeOverwrite": true, "mustMerge": true, "mustMergeOverwrite": true}

// bound is f within the budget.
func (b *Budget) bound(name string, f reflect.Value) any {
	t := f.Type()
	return reflect.MakeFunc(t, func(args []reflect.Value) []reflect.Value {
		if t.IsVariadic() {
			flat := args[: len(args)-1 : len(args)-1]
			for i := range args[len(args)-1].Len() {
				flat = append(flat, args[len(args)-1].Index(i))
			}
			must(b.before(name, flat))
		} else {
			must(b.before(name, args))
		}
		if changers[name] {
			// Merging walks through what may hold itself only afterwards.
			for _, a := range args {
				must(b.ofValue(a))
			}
		}
		call := f.Call
		if t.IsVariadic() {
			call = f.CallSlice
		}
		out := call(args)
		if changers[name] {
			b.sizes = map[uintptr]sized{}
		}
		if makers[name] && len(out) > 0 {
			must(b.ofValue(out[0]))
		}
		if len(out) > 0 {
			must(b.spend(length(out[0])))
		}
		return out
	}).Interface()
}

func (b *Budget) ofValue(v reflect.Value) error {
	_ = b.size(v, 0)
	return b.Err()
}

// must ends the rendering: text/template takes panics of functions for errors.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// before pays for the arguments of a function, and for what it makes out of them
// if that is not bounded by them.
func (b *Budget) before(name string, args []reflect.Value) error {
	sum := 0
	for _, a := range args {
		sum += length(a)
	}
	if err := b.spend(sum); err != nil {
		return err
	}
	if n := makes(name, args, sum); n > maxText || n < 0 {
		return b.exceed(fmt.Sprintf("size of what %s makes", name), maxText)
	}
	return nil
}

// length is that of a text or list.
func length(v reflect.Value) int {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		return v.Len()
	case reflect.Slice, reflect.Array:
		return 16 * v.Len()
	}
	return 0
}

// makes is how large the result of a function may be, or how much work it is;
// -1 is too much.
func makes(name string, args []reflect.Value, sum int) int {
	product := func(a, n int) int {
		p := new(big.Int).Mul(big.NewInt(int64(a)), big.NewInt(int64(max(n, 0))))
		if !p.IsInt64() || p.Int64() > maxText {
			return -1
		}
		return int(p.Int64())
	}
	switch name {
	case "repeat", "randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes":
		return product(max(1, sum), number(args[0]))
	case "until":
		n := number(args[0])
		return product(8, max(n, -n))
	case "untilStep", "seq":
		return numbers(name, args)
	case "indent", "nindent":
		return product(1+strings.Count(args[1].String(), "\n"), number(args[0]))
	case "replace", "regexReplaceAll", "mustRegexReplaceAll", "regexReplaceAllLiteral", "mustRegexReplaceAllLiteral", "join", "wrapWith":
		longest, all := 0, 1
		for _, a := range args {
			longest = max(longest, length(a))
		}
		if all = 1 + sum - longest; longest == 0 {
			return 0
		}
		return product(longest, all)
	case "printf", "uniq", "mustUniq", "without", "mustWithout":
		if name == "printf" {
			// A width has seven digits at most.
			if !wide(args[0].String()) {
				return 0
			}
			return product(1_000_000, strings.Count(args[0].String(), "%"))
		}
		return product(max(1, sum/16), max(1, sum/16))
	}
	return 0
}

func wide(format string) bool {
	digits := 0
	for _, c := range format {
		if digits++; c < '0' || c > '9' {
			digits = 0
		}
		if digits > 3 || c == '*' {
			return true
		}
	}
	return false
}

func number(v reflect.Value) int {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if v.CanInt() {
		return int(v.Int())
	}
	return 0
}

// numbers is how many a sequence has, times their size: untilStep's start, stop
// and step, and seq's first, step and last, of which it may leave out some.
func numbers(name string, args []reflect.Value) int {
	start, step, stop := 1, 1, 0
	switch {
	case name == "untilStep":
		start, stop, step = number(args[0]), number(args[1]), number(args[2])
	case len(args) == 1:
		stop = number(args[0])
	case len(args) == 2:
		start, stop = number(args[0]), number(args[1])
	case len(args) == 3:
		start, step, stop = number(args[0]), number(args[1]), number(args[2])
	}
	if step == 0 {
		return 0
	}
	n := (float64(stop) - float64(start)) / float64(step)
	if n = max(n, -n) * 8; n > maxText {
		return -1
	}
	return int(n)
}
