package webhook

import (
	"net/http"
	"regexp"
)

// handshakes reports whether the sender asks first, as CloudEvents do.
func (e *endpoint) handshakes() bool { return e.Kind == "acr-eventgrid" || e.Kind == "generic" }

var originForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)

// permit answers a sender that asks whether it may send. It proves nothing: what
// it sends is authenticated all the same. A callback that it names is not called.
//
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection
func (h *Handler) permit(w http.ResponseWriter, r *http.Request, e *endpoint, token string) {
	if e.inPath() {
		if refused := refuses(e.auth.Authenticate(r, token, nil)); refused.status != 0 {
			h.refuse(w, e.Name, refused)
			return
		}
	}
	origin := one(r, "WebHook-Request-Origin")
	if !originForm.MatchString(origin) || e.Kind == "acr-eventgrid" && origin != "eventgrid.azure.net" {
		h.refuse(w, e.Name, refusal{http.StatusBadRequest, Malformed})
		return
	}
	h.count(e.Name, Handshake)
	w.Header().Set("Allow", http.MethodPost)
	w.Header().Set("WebHook-Allowed-Origin", origin)
	if r.Header.Get("WebHook-Request-Rate") != "" {
		w.Header().Set("WebHook-Allowed-Rate", "*")
	}
	w.WriteHeader(http.StatusOK)
}
