package webhook_test

import (
	"strconv"
	"time"
)

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
