package main

import (
	"io"
	"path/filepath"
	"slices"

	"github.com/coastwise/coastwise/translate/lint"
	"github.com/coastwise/coastwise/translate/model"
)

// The types below are what lint uses of SARIF 2.1.0 (OASIS), which code hosts show
// beside the lines of a change.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
		Full  sarifText `json:"fullDescription"`
		Help  sarifText `json:"help"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
	}
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// writeSARIF prints the findings with every rule that lint knows.
func writeSARIF(w io.Writer, findings []lint.Finding) error {
	rules := sarifRules()
	results := []sarifResult{}
	for _, f := range findings {
		results = append(results, sarifResult{
			RuleID:    f.Rule,
			RuleIndex: slices.IndexFunc(rules, func(r sarifRule) bool { return r.ID == f.Rule }),
			Level:     sarifLevel(f.Severity),
			Message:   sarifText{sarifMessage(f)},
			Locations: []sarifLocation{sarifAt(f)},
		})
	}
	return encode(w, sarifLog{
		Schema: sarifSchema, Version: "2.1.0",
		Runs: []sarifRun{{
			Tool: sarifTool{sarifDriver{
				Name: "coastwise lint", InformationURI: "https://github.com/coastwise/coastwise/blob/main/docs/lint.md", Rules: rules,
			}},
			Results: results,
		}},
	})
}

// sarifRules are the rows of the table, then the reasons of Problems.
func sarifRules() []sarifRule {
	var out []sarifRule
	for _, r := range lint.Rules() {
		out = append(out, sarifRule{r.ID, sarifText{r.Title}, sarifText{"Istio: " + r.Istio + ". coastwise: " + r.Here + "."}, sarifText{"To keep Istio's behaviour: " + r.Keep + "."}})
	}
	for _, r := range lint.Reasons() {
		out = append(out, sarifRule{string(r.Reason), sarifText{r.Title}, sarifText{r.Title + "."}, sarifText{r.Mend + "."}})
	}
	return out
}

func sarifLevel(s model.Severity) string {
	if s == model.Info {
		return "note"
	}
	return string(s)
}

func sarifMessage(f lint.Finding) string {
	text := f.Object.String() + " " + f.Field + ": " + f.Message
	if f.Istio != "" {
		text += ". Istio: " + f.Istio + ". Here: " + f.Here + ". To keep Istio's behaviour: " + f.Keep + "."
	}
	return text
}

// sarifAt is the place of a finding; a file outside of any has only its object.
func sarifAt(f lint.Finding) sarifLocation {
	out := sarifLocation{Logical: []sarifLogical{{f.Object.String() + " " + f.Field}}}
	if f.File == "" {
		return out
	}
	out.Physical = &sarifPhysical{Artifact: sarifArtifact{filepath.ToSlash(f.File)}}
	if f.Line > 0 {
		out.Physical.Region = &sarifRegion{f.Line}
	}
	return out
}
