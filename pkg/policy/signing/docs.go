package signing

import "github.com/intact-dev/intact/pkg/check"

const since = "2026-11"

// docs explain the checks. They are never changed.
var docs = map[string]check.Doc{
	"SIG001": {
		What: "The policy has a rule for the image, and no good signature meets it: none is found, none is verifiable with the keys and roots given, or one by the right party is not in a transparency log or has no SCT as the rule requires. One good signature is enough. `level` says where it must be: on the index or on every runnable platform (`index-or-child`), on the index, on each platform, or both.",
		Why:  "Whoever can push to the registry can replace an image that nobody signed.",
		Fix:  "Sign the digest: `cosign sign --key cosign.key REPOSITORY@sha256:…`, keyless from the workflow that the rule names, with `--recursive` for every platform.",
		Limits: "If another check names the cause (SIG002 broken, SIG003 another signer, SIG004 another image, SIG006 another level) this one is not applicable and refers to it. " +
			"If a place could not be asked, a trust root could not be built or a signature is in a form that is not read, it is undecided: a signature that may be there is not called missing. A signature says who signed a digest, not that the content is good, and binds no tag.",
		Since: since,
	},
	"SIG002": {
		What:   "A signature is wrong under its own claim: it does not verify with the certificate it carries, or is malformed. It is a note if a good signature meets the rule. It fails without a rule too.",
		Why:    "A broken signature is what tampering with a signature or its payload leaves behind.",
		Fix:    "Sign the digest again; without a rule, delete the broken object: `crane delete REPOSITORY@sha256:…`.",
		Limits: "A signature by a key that was not given cannot be told from a broken one by that key: it is not verifiable, which SIG001 judges where a rule requires a signature. Broken attestations are notes here and judged by SIG005.",
		Since:  since,
	},
	"SIG003": {
		What:   "A signature verifies, but its signer is none that the rule allows: another key, identity, issuer or trust root, or the rule's `where` refuses the certificate.",
		Why:    "Anyone can sign anything with an identity of their own. Only a signature by the party expected says something.",
		Fix:    "Sign as one of the authorities of the rule, or, if you trust the signer named, add it under `anyOf`.",
		Limits: "A signer that is not allowed beside one that is allowed is no failure. Identities are compared as the certificate states them. Not applicable if another check names the cause.",
		Since:  since,
	},
	"SIG004": {
		What:   "A signature is attached to the image, but what it signs names another digest. It is a note if a good signature meets the rule. It fails without a rule too.",
		Why:    "Copying the signature of a trusted image to another one is how an image is passed off as signed.",
		Fix:    "Sign this digest, or delete the object: `crane delete REPOSITORY@sha256:…`. Find out who attached it.",
		Limits: "Digests of different algorithms are unknown to each other, never different. Attestations are judged by SIG005.",
		Since:  since,
	},
	"SIG005": {
		What:   "An attestation that the rule requires is not found, is broken, belongs to another image, is signed by a party that is not allowed, or `where` refuses it. A field of the predicate that `where` reads and that is missing refuses with that reason. The rule's `level` holds for attestations too.",
		Why:    "Provenance says how and from what an image was built. Without it a signature says only who signed.",
		Fix:    "Attach it: `cosign attest --type TYPE --predicate FILE REPOSITORY@sha256:…`, or build with a builder that does.",
		Limits: "It believes what an allowed party attested. An attestation is no signature and does not meet SIG001.",
		Since:  since,
	},
	"SIG006": {
		What:   "A good signature is there, but on the index where the rule asks for the platforms, or the other way round.",
		Why:    "Some verifiers look only at the platform's manifest that a node runs. A signature on one platform never covers the index.",
		Fix:    "`cosign sign --recursive REPOSITORY@sha256:…` signs the index and each platform; or `level: index-or-child` in the policy.",
		Limits: "A signature on an index counts only if that index was itself given and verified. Attestation children and platforms that were not selected need none.",
		Since:  since,
	},
}
