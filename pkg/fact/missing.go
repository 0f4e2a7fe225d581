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
