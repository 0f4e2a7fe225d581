package webhook_test

import (
	"net/http"
	"testing"
)

// One delivery, without the inbox: what a receiver spends beside its store.
func BenchmarkHandler(b *testing.B) {
	h := handler(b, &keeper{}, three)
	b.ReportAllocs()
	for b.Loop() {
		if w := ask(b, h, post(b, "/hooks/dist", pushed, "Authorization", secretText)); w.Code != http.StatusAccepted {
			b.Fatal(w.Code)
		}
	}
}
