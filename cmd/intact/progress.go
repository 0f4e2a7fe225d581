package main

import (
	"io"

	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A progress shows layers as bars on a terminal. The zero value shows nothing.
type progress struct{ bars *mpb.Progress }

func newProgress(w io.Writer, show bool) *progress {
	if !show {
		return &progress{}
	}
	return &progress{bars: mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithAutoRefresh())}
}

// gatherer returns what the engine tells about layers; nil if nothing is shown.
func (p *progress) gatherer() gather.Progress {
	if p.bars == nil {
		return nil
	}
	return p
}

// Layer adds a bar: digest, bytes of bytes, rate.
func (p *progress) Layer(d ref.Descriptor) gather.LayerProgress {
	return &layerBar{p.bars.AddBar(d.Size,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(d.Digest.Short(), decor.WCSyncSpaceR)),
		mpb.AppendDecorators(
			decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace),
			decor.AverageSpeed(decor.SizeB1024(0), "% .1f", decor.WCSyncSpace),
		),
	)}
}

// Stop clears the bars, so that the report does not mix with them.
func (p *progress) Stop() {
	if p.bars != nil {
		p.bars.Wait()
	}
}

type layerBar struct{ bar *mpb.Bar }

func (b *layerBar) Add(n int64) { b.bar.IncrInt64(n) }

// Done ends the bar whatever came: fewer bytes, or more than announced.
func (b *layerBar) Done(ok bool) {
	if ok {
		b.bar.SetTotal(-1, true)
		return
	}
	b.bar.Abort(true)
}
