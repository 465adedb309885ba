package envoy

import (
	"strconv"
	"strings"
)

// ClusterName is outbound|PORT|SUBSET|HOST (semantics 9.1); subset is "" for
// the service as a whole.
func ClusterName(port uint32, subset, host string) string {
	return "outbound|" + strconv.FormatUint(uint64(port), 10) + "|" + subset + "|" + host
}

const tunnelPrefix = "outbound-hbone|"

// TunnelName is outbound-hbone|PORT|SUBSET|HOST, the cluster of a port's direct tunnels
// at an HBONE waypoint.
func TunnelName(port uint32, subset, host string) string {
	return TunnelOf(ClusterName(port, subset, host))
}

// TunnelOf is the TunnelName that goes with a ClusterName.
func TunnelOf(name string) string { return strings.Replace(name, "outbound|", tunnelPrefix, 1) }

// IsTunnelName tells names of TunnelName from those of ClusterName.
func IsTunnelName(name string) bool { return strings.HasPrefix(name, tunnelPrefix) }

// ParseClusterName is the inverse of ClusterName and of TunnelName: ok only for a name
// that one of them gives for a port 1..65535 and a host.
func ParseClusterName(name string) (port uint32, subset, host string, ok bool) {
	parts := strings.Split(name, "|")
	if len(parts) != 4 || parts[0] != "outbound" && parts[0]+"|" != tunnelPrefix || parts[3] == "" {
		return 0, "", "", false
	}
	n, err := strconv.ParseUint(parts[1], 10, 16)
	if err != nil || n == 0 || parts[1] != strconv.FormatUint(n, 10) {
		return 0, "", "", false
	}
	return uint32(n), parts[2], parts[3], true
}

// AltStatName is NS/NAME/PORT[/SUBSET] with dots replaced by '_': Envoy's
// stat tags end at a dot (semantics 9.1, reference envoy 6).
func AltStatName(namespace, name string, port uint32, subset string) string {
	s := namespace + "/" + name + "/" + strconv.FormatUint(uint64(port), 10)
	if subset != "" {
		s += "/" + subset
	}
	return strings.ReplaceAll(s, ".", "_")
}
