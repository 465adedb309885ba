package main

import "strconv"

// localityDefaultEnv is Istio's own switch, read for those who come from there
// (semantics 3.4): what a MeshConfig without `enabled`, or no MeshConfig, means.
const localityDefaultEnv = "PILOT_ENABLE_LOCALITY_LOAD_BALANCING"

// localityDefault reads the switch; unset and empty are false.
func (p process) localityDefault() (bool, error) {
	value, ok := p.env(localityDefaultEnv)
	if !ok || value == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		return false, usagef("environment variable %s: %q is neither true nor false", localityDefaultEnv, value)
	}
	return on, nil
}
