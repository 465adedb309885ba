package main

import (
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

// overlaid is a bootstrap with the YAML of a file laid over it, so that options of Envoy
// can be measured: objects are merged, all else is replaced, null takes away. Without a
// file it is the bootstrap.
func overlaid(bootstrap []byte, file string) ([]byte, error) {
	if file == "" {
		return bootstrap, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	under, over := object{}, object{}
	if err := yaml.Unmarshal(bootstrap, &under); err != nil {
		return nil, fmt.Errorf("reading the bootstrap: %w", err)
	}
	if err := yaml.Unmarshal(text, &over); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return json.Marshal(merged(under, over))
}

func merged(under, over object) object {
	for key, value := range over {
		inner, isObject := value.(object)
		outer, wasObject := under[key].(object)
		switch {
		case value == nil:
			delete(under, key)
		case isObject && wasObject:
			under[key] = merged(outer, inner)
		default:
			under[key] = value
		}
	}
	return under
}
