package main

import (
	"io"
	"sync"

	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A progress shows layers, and how far a run is, as bars on a terminal. The zero
// value shows nothing.
type progress struct {
	bars *mpb.Progress

	mu    sync.Mutex
	steps map[string]*mpb.Bar
}

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

// told shows how many of something are done. Of what has no end yet it shows the
// number alone.
func (p *progress) told(what string, done, total int) {
	if p.bars == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	bar := p.steps[what]
	if bar == nil {
		if p.steps == nil {
			p.steps = map[string]*mpb.Bar{}
		}
		bar = p.bars.AddBar(int64(total), mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Name(what, decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.CurrentNoUnit("%d")))
		p.steps[what] = bar
	}
	bar.SetTotal(int64(total), total > 0 && done >= total)
	bar.SetCurrent(int64(done))
}

// Stop clears the bars, so that the report does not mix with them.
func (p *progress) Stop() {
	if p.bars == nil {
		return
	}
	p.mu.Lock()
	for _, b := range p.steps {
		b.Abort(true)
	}
	p.mu.Unlock()
	p.bars.Wait()
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
