package files

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// Lines finds the line on which something stands, for people and editors; what
// counts is read elsewhere. Its files are read once each.
type Lines struct{ documents map[string][]*yaml.Node }

// NewLines has read no file yet.
func NewLines() *Lines { return &Lines{documents: map[string][]*yaml.Node{}} }

// Of is the line, from 1, of a field of an object in a document (from 0) of a file:
// that of the nearest thing around the field if it is not written. 0 is unknown.
func (l *Lines) Of(file string, document int, object model.ObjectRef, field string) int {
	documents, read := l.documents[file]
	if !read {
		documents = documentsOf(file)
		l.documents[file] = documents
	}
	if document >= len(documents) {
		return 0
	}
	root := documents[document]
	if item := itemOf(root, object); item != nil {
		root = item
	}
	return lineIn(root, field)
}

// documentsOf are the documents with something in them, as the parser counts
// them; those behind one that does not parse are not known.
func documentsOf(file string) []*yaml.Node {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var out []*yaml.Node
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var n yaml.Node
		if d.Decode(&n) != nil {
			return out
		}
		if root := n.Content[0]; root.Tag != "!!null" {
			out = append(out, root)
		}
	}
}

// itemOf is the object in a list, however deep lists are; nil if this is no list.
func itemOf(n *yaml.Node, object model.ObjectRef) *yaml.Node {
	if !strings.HasSuffix(scalarAt(n, "kind"), "List") {
		return nil
	}
	items := valueAt(n, "items")
	if items == nil {
		return nil
	}
	single := strings.TrimSuffix(scalarAt(n, "kind"), "List")
	for _, item := range items.Content {
		if inner := itemOf(item, object); inner != nil {
			return inner
		}
		kind, apiVersion := scalarAt(item, "kind"), scalarAt(item, "apiVersion")
		if kind == "" {
			kind = single
		}
		if apiVersion == "" {
			apiVersion = scalarAt(n, "apiVersion")
		}
		meta := valueAt(item, "metadata")
		if v1alpha1.KindOf(apiVersion, kind) != object.Kind && foreignName(kind, apiVersion) != object.Kind || meta == nil || scalarAt(meta, "name") != object.Name {
			continue
		}
		if ns := scalarAt(meta, "namespace"); ns == object.Namespace || ns == "" {
			return item
		}
	}
	return nil
}

// steps are the words of a field: names, [index] and [key].
var steps = regexp.MustCompile(`[^.\[\]]+|\[[^\]]*\]`)

// lineIn follows a field as far as it is written.
func lineIn(n *yaml.Node, field string) int {
	line := n.Line
	for _, step := range steps.FindAllString(field, -1) {
		at, next := child(n, strings.Trim(step, "[]"))
		if next == nil {
			break
		}
		n, line = next, at
	}
	return line
}

// child is the value under a key, with the line of the key, or an entry of a list.
func child(n *yaml.Node, step string) (line int, value *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i].Line, n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		for i, e := range n.Content {
			if strconv.Itoa(i) == step {
				return e.Line, e
			}
		}
	}
	return 0, nil
}

func valueAt(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	_, value := child(n, key)
	return value
}

func scalarAt(n *yaml.Node, key string) string {
	if value := valueAt(n, key); value != nil && value.Kind == yaml.ScalarNode {
		return value.Value
	}
	return ""
}
