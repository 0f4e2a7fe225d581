package fact

// AllMissing returns a Set that knows nothing, for one cause.
func AllMissing(c Cause, why string) *Set {
	return &Set{
		Reference:    Missing[Reference](c, why),
		Resolution:   Missing[Resolution](c, why),
		Tag:          Missing[Tag](c, why),
		Pin:          Missing[Pin](c, why),
		Push:         Missing[Push](c, why),
		Availability: MissingList[Blob](c, why),
		Image:        Missing[Image](c, why),
		Documents:    MissingList[Document](c, why),
		Listings:     MissingList[Listing](c, why),
		Signatures:   MissingList[Signature](c, why),
		Config:       Missing[Config](c, why),
		Layers:       MissingList[Layer](c, why),
		User:         Missing[User](c, why),
		Filesystem:   Missing[Filesystem](c, why),
		Container:    Missing[Container](c, why),
		Settings:     Missing[Settings](c, why),
		Running:      Missing[Running](c, why),
		Forecast:     Missing[Forecast](c, why),
		Judged:       Missing[Judged](c, why),
		Changes:      MissingList[FileChange](c, why),
		Group:        Missing[Group](c, why),
		Revisions:    MissingList[Revision](c, why),
		TagHistory:   Missing[TagHistory](c, why),
		Declared:     Missing[Declared](c, why),
		Object:       Missing[Object](c, why),
	}
}

// NoImage marks in s all that a registry tells about an image as absent: there is
// none to ask for.
func (s *Set) NoImage() {
	s.Resolution, s.Availability = None[Resolution](), NoList[Blob]()
	s.Image, s.Documents = None[Image](), NoList[Document]()
	s.Listings, s.Signatures = NoList[Listing](), NoList[Signature]()
	s.Config, s.Layers = None[Config](), NoList[Layer]()
	s.User, s.Filesystem = None[User](), None[Filesystem]()
}
