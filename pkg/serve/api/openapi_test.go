package api_test

import "net/http"

func (s *service) follows(*http.Request, string, *http.Response, []byte) {}
