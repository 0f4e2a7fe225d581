//go:build !linux

package main

import (
	"context"
	"errors"
)

func inventory(context.Context, options, string) error {
	return errors.New("the cluster to measure runs on Linux only")
}
