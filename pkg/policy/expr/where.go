package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/intact-dev/intact/pkg/fact"
)

// extensions are what Fulcio writes into certificates, by the names of its
// documentation.
//
// https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
var extensions = []string{
	"githubWorkflowTrigger", "githubWorkflowSHA", "githubWorkflowName", "githubWorkflowRepository", "githubWorkflowRef",
	"buildSignerURI", "buildSignerDigest", "runnerEnvironment", "sourceRepositoryURI", "sourceRepositoryDigest",
	"sourceRepositoryRef", "sourceRepositoryIdentifier", "sourceRepositoryOwnerURI", "sourceRepositoryOwnerIdentifier",
	"buildConfigURI", "buildConfigDigest", "buildTrigger", "runInvocationURI", "sourceRepositoryVisibilityAtSigning",
}

// A Where is a compiled condition on a signature or attestation. It may be used
// concurrently.
type Where struct {
	text    string
	program cel.Program
	// readsPredicate says that it cannot be judged without the predicate.
	readsPredicate bool
}

// An Input is what a condition is judged on.
type Input struct {
	// Certificate is nil for a signature by a key. Reading it then refuses.
	Certificate *fact.Identity
	// Predicate is the attestation's predicate as JSON; nil if it was not kept.
	Predicate json.RawMessage
}

// A Decision says whether a condition holds. The zero value refuses.
type Decision struct {
	Holds bool
	// Undecided says that it could not be told. Cause and Why say why.
	Undecided bool
	Cause     fact.Cause
	Why       string // unless it holds
}

// CompileWhere compiles a condition of a signature, over certificate. The error
// names the position of what is wrong.
func CompileWhere(text string) (*Where, error) { return compileWhere(text, false) }

// CompileAttestationWhere compiles a condition of an attestation, over
// certificate and predicate.
func CompileAttestationWhere(text string) (*Where, error) { return compileWhere(text, true) }

func compileWhere(text string, attestation bool) (*Where, error) {
	envs, err := whereEnvs()
	if err != nil {
		return nil, err
	}
	env := envs.signature
	if attestation {
		env = envs.attestation
	}
	ast, err := compileBool(env, text)
	if err != nil {
		return nil, err
	}
	program, err := newProgram(env, ast)
	if err != nil {
		return nil, err
	}
	return &Where{text: text, program: program, readsPredicate: variablesOf(ast)["predicate"]}, nil
}

// String returns the condition as written.
func (w *Where) String() string { return w.text }

// Judge says whether the condition holds for in. An error while it is evaluated,
// such as a missing field, refuses with the reason; hostile input can neither
// make it hang nor panic.
func (w *Where) Judge(in Input) Decision {
	vars := map[string]any{"certificate": certificate(in.Certificate)}
	if w.readsPredicate {
		if in.Predicate == nil {
			return Decision{Undecided: true, Why: "the predicate was not kept"}
		}
		p, err := decodeJSON(in.Predicate)
		if err != nil {
			return Decision{Why: fmt.Sprintf("the predicate cannot be read: %v", err)}
		}
		vars["predicate"] = p
	}
	out, err := evaluate(w.program, vars)
	switch {
	case errors.Is(err, errCost):
		return Decision{Undecided: true, Cause: fact.Limit, Why: err.Error()}
	case err != nil:
		return Decision{Why: quoteError(err)}
	case out == types.True:
		return Decision{Holds: true}
	case out == types.False:
		return Decision{Why: "it is false"}
	}
	return Decision{Undecided: true, Cause: fact.Internal, Why: fmt.Sprintf("the result is of type %s", out.Type().TypeName())}
}

// certificate is what expressions read of an identity. An extension that the
// certificate does not have is not stated, which is not the empty text.
func certificate(id *fact.Identity) ref.Val {
	return object{typ: certificateType, raw: id, get: func(name string) (ref.Val, bool) {
		if id == nil {
			return nil, false
		}
		switch name {
		case "issuer":
			return types.String(id.Issuer), true
		case "subject":
			return types.String(id.Subject), true
		}
		v, ok := id.Extensions[name]
		if !ok {
			return nil, false
		}
		return types.String(v), true
	}}
}

var certificateType = func() *structType {
	t := &structType{cel: types.NewObjectType("certificate"), fields: map[string]structField{}}
	for _, n := range append([]string{"issuer", "subject"}, extensions...) {
		t.names = append(t.names, n)
		t.fields[n] = structField{cel: types.StringType}
	}
	return t
}()

type whereEnv struct{ signature, attestation *cel.Env }

var whereEnvs = sync.OnceValues(func() (whereEnv, error) {
	s, err := newSchema()
	if err != nil {
		return whereEnv{}, err
	}
	s.structs[certificateType.cel.TypeName()] = certificateType
	signature, err := newEnv(s, cel.Variable("certificate", certificateType.cel))
	if err != nil {
		return whereEnv{}, err
	}
	attestation, err := signature.Extend(cel.Variable("predicate", cel.DynType))
	return whereEnv{signature, attestation}, err
})

// quoteError returns the text of an error of an evaluation on one line. It may
// hold text from outside.
func quoteError(err error) string {
	return strings.Trim(fmt.Sprintf("%q", err.Error()), `"`)
}
