package testregistry

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// admit answers with a challenge unless r shows what the registry asks for.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	a := s.auth
	if a == nil {
		return true
	}
	if !a.Bearer {
		user, password, ok := r.BasicAuth()
		if ok && user == a.Username && password == a.Password {
			return true
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
		return false
	}
	s.mu.Lock()
	want := fmt.Sprintf("Bearer token-%d", s.tokens)
	valid := s.tokens > 0
	s.mu.Unlock()
	if valid && r.Header.Get("Authorization") == want {
		return true
	}
	realm := a.Realm
	if realm == "" {
		realm = s.URL("/token")
	}
	// The scope asks for more than a reader should.
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q,service="test",scope="repository:any:pull,push,delete"`, realm))
	refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	return false
}

// RevokeTokens makes all tokens given so far invalid.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens++
}

func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	a := s.auth
	if a == nil {
		http.NotFound(w, r)
		return
	}
	user, password, _ := r.BasicAuth()
	known := user == a.Username && password == a.Password
	if r.Method == http.MethodPost {
		known = r.PostFormValue("refresh_token") == a.Password
	}
	if !known && !a.Anonymous {
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "incorrect username or password")
		return
	}
	s.mu.Lock()
	if s.tokens == 0 {
		s.tokens = 1
	}
	answer := map[string]any{"token": fmt.Sprintf("token-%d", s.tokens)}
	s.mu.Unlock()
	if a.ExpiresIn != 0 {
		answer["expires_in"] = a.ExpiresIn
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
}
