package containerdclient

import (
	"context"
	"fmt"
	"time"

	imagesapi "github.com/containerd/containerd/api/services/images/v1"

	"github.com/intact-dev/intact/pkg/ref"
)

// An Image is a name in the image store and what it stands for now. Names move
// as tags do.
type Image struct {
	Name    string
	Target  ref.Descriptor // Digest is "" if what is stored there is none
	Updated time.Time      // when it was written last
}

// Images returns all images of a namespace, in no order.
func (c *Client) Images(ctx context.Context, namespace string) ([]Image, error) {
	var out []Image
	err := c.Call(in(ctx, namespace), "list", fmt.Sprintf("images of namespace %q", namespace), func(ctx context.Context) error {
		r, err := c.images.List(ctx, &imagesapi.ListImagesRequest{})
		for _, m := range r.GetImages() {
			out = append(out, storedImage(m))
		}
		return err
	})
	return out, err
}

// Image returns the image of a name, exactly as it is written. The error has the
// cause fact.NotFound if there is none.
func (c *Client) Image(ctx context.Context, namespace, name string) (Image, error) {
	var out Image
	err := c.Call(in(ctx, namespace), "get", named("image", name, namespace), func(ctx context.Context) error {
		r, err := c.images.Get(ctx, &imagesapi.GetImageRequest{Name: name})
		out = storedImage(r.GetImage())
		return err
	})
	return out, err
}

func storedImage(m *imagesapi.Image) Image {
	t := m.GetTarget()
	out := Image{Name: m.GetName(), Target: ref.Descriptor{MediaType: t.GetMediaType(), Size: t.GetSize()}}
	if d, err := ref.ParseDigest(t.GetDigest()); err == nil {
		out.Target.Digest = d
	}
	if m.GetUpdatedAt() != nil {
		out.Updated = m.GetUpdatedAt().AsTime()
	}
	return out
}
