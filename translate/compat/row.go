package compat

import "slices"

// Status says what becomes of a field.
type Status string

const (
	// Honoured says that it does what it says.
	Honoured Status = "honoured"
	// Refused says that it refuses the object, with an error.
	Refused Status = "refused"
	// NotYet says that the object counts without it, with a warning.
	NotYet Status = "not yet"
	// NoEffect says that it is admitted, does nothing by design, and that this is told.
	NoEffect Status = "no effect"
)

// Row is one field of one kind, or one value of it.
type Row struct {
	// Field is where it stands, with [] for the entries of a list and of a map whose
	// keys are fixed words: spec.subsets[].name, metadata.annotations[KEY].
	Field string
	// Value narrows the row to one value, of which another status holds than of the
	// field; "" is the field as such.
	Value  string
	Status Status
	// As says that this is a block that is told of elsewhere, "KIND FIELD": what
	// stands below it has the rows of that one.
	As string
	// Becomes is what the field is turned into: words, and in backquotes fields of
	// xDS messages, MESSAGE.FIELD.FIELD, as Envoy's API names them.
	Becomes string
	// Notes is the reason of a refusal, or what happens instead of what is not yet
	// honoured, or what to know of it.
	Notes string
	// Own says that Istio's kind has no such field.
	Own bool
	// Story is the story that shows it where a live proxy cannot; "" where a proxy or
	// gRPC client differs with and without the field, as the observation of that
	// name says (Observation).
	Story string
}

// Name is how a row is told from the others of its kind: FIELD, or FIELD=VALUE.
func (r Row) Name() string {
	if r.Value == "" {
		return r.Field
	}
	return r.Field + "=" + r.Value
}

// Observation is the name of what shows an honoured field on a live proxy; ""
// where nothing does.
func (r Row) Observation() string {
	if r.Status != Honoured || r.Story != "" {
		return ""
	}
	return r.Name()
}

// Section is the rows of one kind.
type Section struct {
	Kind, APIVersion string
	// Istio is the API group of Istio's kind of the same name, "" if it has none.
	Istio string
	// About is a sentence for readers.
	About string
	Rows  []Row
}

// Find is the row of that name.
func (s Section) Find(name string) (Row, bool) {
	i := slices.IndexFunc(s.Rows, func(r Row) bool { return r.Name() == name })
	if i < 0 {
		return Row{}, false
	}
	return s.Rows[i], true
}

// Table is all sections, in the order of the page.
func Table() []Section {
	return []Section{
		destinationRule(), meshConfig(), serviceEntry(), workloadEntry(),
		service(), endpointSlice(), node(), pod(), namespace(),
	}
}
