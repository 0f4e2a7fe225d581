package webhook

import (
	"net/http"
	"net/url"
	"strings"
)

// payload returns the JSON in body, which some senders put into a form if they
// are set up so.
func payload(header http.Header, body []byte) ([]byte, error) {
	if contentType(header) != "application/x-www-form-urlencoded" {
		return body, nil
	}
	values, err := url.ParseQuery(string(body))
	if err != nil || len(values["payload"]) != 1 {
		return nil, errShape
	}
	return []byte(values.Get("payload")), nil
}

// tagOrDigest sorts out a text that may be either.
func tagOrDigest(s string) (tag, digest string) {
	if strings.Contains(s, ":") {
		return "", s
	}
	return s, ""
}
