package fact

// Schema names the JSON form of a Set.
const Schema = "intact.facts/v1"

// A Kind is the name of a field of Set, as in JSON.
type Kind string

// Kinds of facts.
const (
	KReference    Kind = "reference"
	KResolution   Kind = "resolution"
	KTag          Kind = "tag"
	KPin          Kind = "pin"
	KPush         Kind = "push"
	KAvailability Kind = "availability"
	KImage        Kind = "image"
	KDocuments    Kind = "documents"
	KListings     Kind = "listings"
	KSignatures   Kind = "signatures"
	KConfig       Kind = "config"
	KLayers       Kind = "layers"
	KUser         Kind = "user"
	KFilesystem   Kind = "filesystem"
	KContainer    Kind = "container"
	KSettings     Kind = "settings"
	KRunning      Kind = "running"
	KForecast     Kind = "forecast"
	KJudged       Kind = "judged"
	KChanges      Kind = "changes"
	KGroup        Kind = "group"
	KRevisions    Kind = "revisions"
	KTagHistory   Kind = "tagHistory"
	KDeclared     Kind = "declared"
	KObject       Kind = "object"
)

// A Set is the facts of one subject of a check's scope. It is plain data: it
// round-trips through JSON and holds no handles. Values are shared between
// sets and never changed. The zero value knows nothing.
type Set struct {
	// About a reference.
	Reference    Value[Reference]  `json:"reference"`
	Resolution   Value[Resolution] `json:"resolution"`
	Tag          Value[Tag]        `json:"tag"`  // Absent: the reference has no tag
	Pin          Value[Pin]        `json:"pin"`  // Absent: not both a tag and a digest
	Push         Value[Push]       `json:"push"` // Absent: not judged under a name to be pushed to
	Availability List[Blob]        `json:"availability"`
	// TagHistory is Absent if no record was kept, or it has nothing about the tag.
	TagHistory Value[TagHistory] `json:"tagHistory,omitzero"`

	// About an image: the root and what hangs from it.
	Image      Value[Image]    `json:"image"`
	Documents  List[Document]  `json:"documents"` // of an image: those of no platform; of a platform: its manifest and config
	Listings   List[Listing]   `json:"listings"`
	Signatures List[Signature] `json:"signatures"`

	// About one platform of an image. In the set of an index all four are Absent:
	// an index has no config and no layers of its own.
	Config     Value[Config]     `json:"config"`
	Layers     List[Layer]       `json:"layers"`
	User       Value[User]       `json:"user"`
	Filesystem Value[Filesystem] `json:"filesystem"`

	// About a container, or many that are equal. The facts about its image's
	// platform stand beside them.
	Container Value[Container] `json:"container,omitzero"` // Absent: a file declares it, nothing runs yet
	Settings  Value[Settings]  `json:"settings,omitzero"`
	Running   Value[Running]   `json:"running,omitzero"`  // Absent: nothing runs
	Forecast  Value[Forecast]  `json:"forecast,omitzero"` // Absent: no tag decides what a start brings
	Judged    Value[Judged]    `json:"judged,omitzero"`   // Absent: nothing runs
	Changes   List[FileChange] `json:"changes,omitzero"`  // Absent: nothing runs

	Declared Value[Declared] `json:"declared,omitzero"` // Absent: no files were given to compare with

	// About all containers of one template.
	Group     Value[Group]   `json:"group,omitzero"`
	Revisions List[Revision] `json:"revisions,omitzero"` // the former ones, newest first; Absent: there are none

	// About one object that a file declares.
	Object Value[Object] `json:"object,omitzero"`
}

// Statuses returns the states of the fact k and of its parts. A kind that does
// not exist is Unknown.
func (s *Set) Statuses(k Kind) []Status {
	f := fieldOf(s, k)
	if f == nil {
		return []Status{{Why: "no fact is called " + string(k)}}
	}
	return f.statuses()
}

// Only returns a copy of s that holds the facts kinds and is Unknown elsewhere.
func (s *Set) Only(kinds ...Kind) *Set {
	var out Set
	for _, k := range kinds {
		if f := fieldOf(s, k); f != nil {
			f.copyTo(fieldOf(&out, k))
		}
	}
	return &out
}

// Kinds returns all kinds, in the order of Set's fields.
func Kinds() []Kind {
	return []Kind{
		KReference, KResolution, KTag, KPin, KPush, KAvailability, KTagHistory, KImage, KDocuments,
		KListings, KSignatures, KConfig, KLayers, KUser, KFilesystem,
		KContainer, KSettings, KRunning, KForecast, KJudged, KChanges, KDeclared, KGroup, KRevisions, KObject,
	}
}

// IsList reports whether the fact k is a List, whose parts are known or not one
// by one. A kind that does not exist is none.
func IsList(k Kind) bool {
	switch k {
	case KAvailability, KDocuments, KListings, KSignatures, KLayers, KChanges, KRevisions:
		return true
	}
	return false
}

type field interface {
	statuses() []Status
	copyTo(field)
}

type valueField[T any] struct{ v *Value[T] }

func (f valueField[T]) statuses() []Status { return []Status{f.v.Status()} }
func (f valueField[T]) copyTo(to field)    { *to.(valueField[T]).v = *f.v }

type listField[T any] struct{ l *List[T] }

func (f listField[T]) statuses() []Status { return f.l.Statuses() }
func (f listField[T]) copyTo(to field)    { *to.(listField[T]).l = *f.l }

// fieldOf is the fact k in s, nil if there is no such kind.
func fieldOf(s *Set, k Kind) field {
	switch k {
	case KReference:
		return valueField[Reference]{&s.Reference}
	case KResolution:
		return valueField[Resolution]{&s.Resolution}
	case KTag:
		return valueField[Tag]{&s.Tag}
	case KPin:
		return valueField[Pin]{&s.Pin}
	case KPush:
		return valueField[Push]{&s.Push}
	case KAvailability:
		return listField[Blob]{&s.Availability}
	case KImage:
		return valueField[Image]{&s.Image}
	case KDocuments:
		return listField[Document]{&s.Documents}
	case KListings:
		return listField[Listing]{&s.Listings}
	case KSignatures:
		return listField[Signature]{&s.Signatures}
	case KConfig:
		return valueField[Config]{&s.Config}
	case KLayers:
		return listField[Layer]{&s.Layers}
	case KUser:
		return valueField[User]{&s.User}
	case KFilesystem:
		return valueField[Filesystem]{&s.Filesystem}
	case KContainer:
		return valueField[Container]{&s.Container}
	case KSettings:
		return valueField[Settings]{&s.Settings}
	case KRunning:
		return valueField[Running]{&s.Running}
	case KForecast:
		return valueField[Forecast]{&s.Forecast}
	case KJudged:
		return valueField[Judged]{&s.Judged}
	case KChanges:
		return listField[FileChange]{&s.Changes}
	case KGroup:
		return valueField[Group]{&s.Group}
	case KRevisions:
		return listField[Revision]{&s.Revisions}
	case KTagHistory:
		return valueField[TagHistory]{&s.TagHistory}
	case KDeclared:
		return valueField[Declared]{&s.Declared}
	case KObject:
		return valueField[Object]{&s.Object}
	}
	return nil
}
