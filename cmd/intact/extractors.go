package main

import (
	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/compose"
	"github.com/intact-dev/intact/pkg/extract/dockerfile"
)

// extractors read what files declare, those that put several files together
// first. repo says what is special about the repository that the files are of.
func extractors(_ *config.Repository) []extract.Extractor {
	return []extract.Extractor{compose.Extractor{}, dockerfile.Extractor{}}
}
