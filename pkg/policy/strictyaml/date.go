package strictyaml

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Date is a day in UTC, written 2027-01-31. The zero value is no date.
type Date struct{ time.Time }

// UnmarshalNode reads a date, quoted or not. A time of day is refused: what it
// would mean for "the last day" cannot be told.
func (d *Date) UnmarshalNode(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("%s; expected a date such as 2027-01-31", describe(n))
	}
	t, err := time.Parse(time.DateOnly, n.Value)
	if err != nil {
		return fmt.Errorf("%q; expected a date such as 2027-01-31", n.Value)
	}
	d.Time = t
	return nil
}

// String returns 2027-01-31.
func (d Date) String() string { return d.Format(time.DateOnly) }

// MarshalText writes 2027-01-31.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// JSONSchema describes a date.
func (Date) JSONSchema() map[string]any { return map[string]any{"type": "string", "format": "date"} }
