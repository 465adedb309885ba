package files

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	yamlv2 "go.yaml.in/yaml/v2"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/model"
)

// contents is what one file says.
type contents struct {
	objects []object
	// problems are those of the file itself.
	problems []model.Problem
	// foreign are the objects that were skipped.
	foreign []Foreign
	// partial says that something did not parse, so that an object which is not
	// here may still be meant (semantics 8.2).
	partial bool
}

// object is one manifest as admitted or refused.
type object struct {
	document int
	ref      model.ObjectRef
	object   any          // nil: refused
	fence    *model.Fence // of a refused one, nil: none
	problems []model.Problem
}

// parser collects the contents of the file of this name.
type parser struct {
	file string
	out  contents
	// nameless says that the last manifest is foreign and has no name.
	nameless bool
	// lists is how many lists the manifest is in.
	lists   int
	options admit.Options
}

// maxLists bounds lists in lists: each is copied as often as it is deep.
const maxLists = 8

// parse reads a file: YAML or JSON, any number of documents, lists unpacked.
// Documents are counted from 0; empty ones and mere comments do not count.
func parse(file string, data []byte) contents { return parseWith(admit.Options{}, file, data) }

// parseWith is parse with what admission is told of the machine.
func parseWith(options admit.Options, file string, data []byte) contents {
	p := &parser{file: file, options: options}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 { // YAML's decoder takes a NUL for the end
		p.unparsable(0, "the file is not UTF-8 text")
		return p.out
	}
	if docs, ok := jsonStream(data); ok {
		for i, doc := range docs {
			p.manifest(doc, doc, i)
		}
		return p.out
	}
	p.yamlStream(data)
	// "kind: Serv" at the end may be a Service that is being written.
	p.out.partial = p.out.partial || p.nameless
	return p.out
}

// jsonStream splits concatenated JSON objects; ok is false if the data is not
// wholly that, and may still be YAML.
func jsonStream(data []byte) (docs []json.RawMessage, ok bool) {
	if !utilyaml.IsJSONBuffer(data) {
		return nil, false
	}
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var doc json.RawMessage
		switch err := d.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return docs, true
		case err != nil:
			return nil, false
		}
		docs = append(docs, doc)
	}
}

func (p *parser) yamlStream(data []byte) {
	r := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for n := 0; ; {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil { // where the next document begins is not known
			p.unparsable(n, err.Error())
			return
		}
		if p.yamlDocument(doc, n) {
			n++
		}
	}
}

// yamlDocument reads one document; false if there is nothing in it.
func (p *parser) yamlDocument(doc []byte, n int) bool {
	doc, rest := cutAtEnd(doc)
	if blowsUp(doc) || blowsUp(rest) {
		p.unparsable(n, "aliases make the document many times larger than it is")
		return true
	}
	asJSON, err := yaml.YAMLToJSON(doc)
	if err != nil {
		p.unparsable(n, err.Error())
		return true
	}
	if after, err := yaml.YAMLToJSON(rest); err != nil || !isNull(after) {
		p.unparsable(n, `something follows the document's end ("...") without a "---"`)
		return true
	}
	if isNull(asJSON) {
		return false
	}
	p.yamlManifest(doc, asJSON, n)
	return true
}

// blowsUp says that aliases make a document much larger than it is written. The
// decoder bounds how many there may be, not how much they repeat.
func blowsUp(doc []byte) bool {
	if bytes.IndexByte(doc, '&') < 0 || bytes.IndexByte(doc, '*') < 0 {
		return false
	}
	var v any
	if yamlv2.Unmarshal(doc, &v) != nil { // said when it is read
		return false
	}
	left := 1<<20 + 16*len(doc)
	return !fits(v, &left)
}

// fits takes what a value weighs from left, and stops where nothing is left.
func fits(v any, left *int) bool {
	*left -= 16
	switch v := v.(type) {
	case string:
		*left -= len(v)
	case []any:
		for _, item := range v {
			if !fits(item, left) {
				return false
			}
		}
	case map[any]any:
		for key, item := range v {
			if !fits(key, left) || !fits(item, left) {
				return false
			}
		}
	}
	return *left >= 0
}

// cutAtEnd splits a document at YAML's end mark, which the decoder would take for
// the end of everything.
func cutAtEnd(doc []byte) (before, after []byte) {
	for at := 0; at < len(doc); {
		line, _, _ := bytes.Cut(doc[at:], []byte("\n"))
		if string(bytes.TrimRight(line, " \t\r")) == "..." {
			return doc[:at], doc[at+len(line):]
		}
		at += len(line) + 1
	}
	return doc, nil
}

func isNull(asJSON []byte) bool { return string(bytes.TrimSpace(asJSON)) == "null" }

// yamlManifest reads a YAML list once more, strictly: its items go on as JSON and
// would lose keys that stand twice.
func (p *parser) yamlManifest(doc, asJSON []byte, n int) {
	if fields, err := fieldsOf(asJSON); err == nil {
		if _, list := listOf(fields); list {
			if _, err := yaml.YAMLToJSONStrict(doc); err != nil {
				p.unparsable(n, err.Error())
				return
			}
		}
	}
	p.manifest(doc, asJSON, n)
}

// manifest reads one manifest that parses, YAML or JSON, and unpacks it if it is
// a list.
func (p *parser) manifest(raw, asJSON []byte, n int) {
	fields, err := fieldsOf(asJSON)
	if err != nil {
		p.unparsable(n, "a manifest is an object with apiVersion, kind and metadata")
		return
	}
	single, list := listOf(fields)
	if !list {
		p.admit(raw, n, text(fields["kind"]), text(fields["apiVersion"]))
		return
	}
	if p.lists == maxLists {
		p.unparsable(n, fmt.Sprintf("lists are nested more than %d deep", maxLists))
		return
	}
	p.lists++
	defer func() { p.lists-- }()
	var items []json.RawMessage
	if err := json.Unmarshal(fields["items"], &items); err != nil {
		p.unparsable(n, fmt.Sprintf("items of a %s must be a list", text(fields["kind"])))
		return
	}
	for _, item := range items {
		item = typed(item, single, fields["apiVersion"])
		p.manifest(item, item, n)
	}
}

// fieldsOf are the top-level fields of a manifest in JSON.
func fieldsOf(asJSON []byte) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(asJSON, &fields); err != nil {
		return nil, err
	}
	if fields == nil {
		return nil, errors.New("null")
	}
	return fields, nil
}

// listOf says whether this is kind List, or a typed list (ServiceList) and of
// which kind its items are.
func listOf(fields map[string]json.RawMessage) (single string, list bool) {
	single, list = strings.CutSuffix(text(fields["kind"]), "List")
	_, hasItems := fields["items"]
	return single, list && (single == "" || hasItems)
}

// typed gives an item of a typed list the kind and apiVersion that such items
// leave out. Everything else stays byte for byte.
func typed(item json.RawMessage, kind string, apiVersion json.RawMessage) json.RawMessage {
	fields, err := fieldsOf(item)
	if err != nil || kind == "" || len(fields) == 0 || fields["kind"] != nil {
		return item
	}
	head := `{"kind":"` + kind + `",`
	if fields["apiVersion"] == nil && len(apiVersion) > 0 {
		head += `"apiVersion":` + string(apiVersion) + `,`
	}
	body := bytes.TrimPrefix(bytes.TrimSpace(item), []byte("{"))
	return append([]byte(head), body...)
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// admit hands one manifest to admission and files what comes back.
func (p *parser) admit(raw []byte, n int, kind, apiVersion string) {
	result, problems := p.options.Object(raw)
	for i := range problems {
		problems[i].File, problems[i].Document = p.file, n
		if problems[i].Object == (model.ObjectRef{}) {
			problems[i].Object = fileRef(p.file)
		}
	}
	p.nameless = result.Foreign && result.Ref.Name == ""
	switch {
	case result.Foreign:
		p.out.foreign = append(p.out.foreign, Foreign{
			Kind: foreignName(kind, apiVersion), Namespace: result.Ref.Namespace, Name: result.Ref.Name, File: p.file, Document: n,
		})
		p.out.problems = append(p.out.problems, problems...)
	case result.Ref == model.ObjectRef{}: // it may be any object of this file, half-written
		p.out.problems = append(p.out.problems, problems...)
		p.out.partial = true
		if len(problems) == 0 {
			p.unparsable(n, "the manifest has no kind or no name")
		}
	default:
		p.out.objects = append(p.out.objects, object{
			document: n, ref: result.Ref, object: result.Object, fence: result.Fence, problems: problems,
		})
	}
}

// foreignName is KIND.GROUP, or KIND for the group without a name.
func foreignName(kind, apiVersion string) string {
	group, _, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		return kind
	}
	return kind + "." + group
}

func (p *parser) unparsable(n int, message string) {
	p.out.partial = true
	p.out.problems = append(p.out.problems, fileProblem(p.file, n, message))
}

// fileProblem is a Problem of a file itself (semantics 10).
func fileProblem(file string, document int, message string) model.Problem {
	return model.Problem{
		Object:   fileRef(file),
		Field:    "document",
		Severity: model.Error,
		Reason:   model.Unparsable,
		Message:  message,
		File:     file,
		Document: document,
	}
}

// fileRef names a file where a Problem belongs to no object.
func fileRef(file string) model.ObjectRef { return model.ObjectRef{Kind: "File", Name: file} }
