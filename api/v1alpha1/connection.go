package v1alpha1

// ConnectionPool limits connections and requests. At least one of tcp and http.
type ConnectionPool struct {
	// TCP holds for all connections.
	TCP *TCPSettings `json:"tcp,omitempty"`
	// HTTP holds for HTTP/1, HTTP/2 and gRPC.
	HTTP *HTTPSettings `json:"http,omitempty"`
}

// TCPSettings hold for all connections.
type TCPSettings struct {
	// MaxConnections to the host. Default: no limit.
	MaxConnections *int32 `json:"maxConnections,omitempty"`
	// ConnectTimeout. Default: the mesh's, 10s.
	ConnectTimeout *Duration `json:"connectTimeout,omitempty"`
	// TCPKeepalive probes idle connections. Default: the mesh's, none.
	TCPKeepalive *TCPKeepalive `json:"tcpKeepalive,omitempty"`
	// MaxConnectionDuration ends a connection at that age. Default: never.
	MaxConnectionDuration *Duration `json:"maxConnectionDuration,omitempty"`
	// IdleTimeout ends a connection without bytes. Default 1h; 0s is never.
	IdleTimeout *Duration `json:"idleTimeout,omitempty"`
}

// TCPKeepalive probes idle connections. What is absent is the operating system's.
type TCPKeepalive struct {
	// Probes without an answer end the connection, at most 127; 0 switches probing off.
	Probes *int64 `json:"probes,omitempty"`
	// Time without bytes before the first probe, at most 32767s, in whole seconds rounded up.
	Time *Duration `json:"time,omitempty"`
	// Interval between probes, as time.
	Interval *Duration `json:"interval,omitempty"`
}

// HTTPSettings hold for HTTP/1, HTTP/2 and gRPC.
type HTTPSettings struct {
	// HTTP1MaxPendingRequests waiting for a connection. Default: no limit.
	HTTP1MaxPendingRequests *int32 `json:"http1MaxPendingRequests,omitempty"`
	// HTTP2MaxRequests active at once, HTTP/1 too. Default: no limit.
	HTTP2MaxRequests *int32 `json:"http2MaxRequests,omitempty"`
	// MaxRequestsPerConnection; 0 is no limit, which is the default.
	MaxRequestsPerConnection *int32 `json:"maxRequestsPerConnection,omitempty"`
	// MaxRetries active at once. Default: no limit.
	MaxRetries *int32 `json:"maxRetries,omitempty"`
	// IdleTimeout ends a connection without requests. Default 1h.
	IdleTimeout *Duration `json:"idleTimeout,omitempty"`
	// H2UpgradePolicy is DEFAULT (the mesh's), DO_NOT_UPGRADE or UPGRADE: HTTP/2 to
	// endpoints on every port of the host. The mesh's UPGRADE holds only where a port
	// declares HTTP.
	H2UpgradePolicy string `json:"h2UpgradePolicy,omitempty"`
	// UseClientProtocol speaks to the endpoint what the client spoke. Not together
	// with h2UpgradePolicy UPGRADE. Default false.
	UseClientProtocol bool `json:"useClientProtocol,omitempty"`
	// MaxConcurrentStreams on one HTTP/2 connection. Default 2147483647; 0 is the default.
	MaxConcurrentStreams *int32 `json:"maxConcurrentStreams,omitempty"`
	// HTTP2KeepAlive pings idle HTTP/2 connections. Default: none.
	HTTP2KeepAlive *HTTP2KeepAlive `json:"http2KeepAlive,omitempty"`
}

// HTTP2KeepAlive pings idle HTTP/2 connections. Both are required.
type HTTP2KeepAlive struct {
	// Interval between pings.
	Interval *Duration `json:"interval,omitempty"`
	// Timeout for the answer.
	Timeout *Duration `json:"timeout,omitempty"`
}

// TLS secures connections to the endpoints.
type TLS struct {
	// Mode is DISABLE, SIMPLE, MUTUAL or ISTIO_MUTUAL.
	Mode string `json:"mode,omitempty"`
	// ClientCertificate is a file; MUTUAL needs it or credentialName.
	ClientCertificate string `json:"clientCertificate,omitempty"`
	// PrivateKey is a file; MUTUAL needs it or credentialName.
	PrivateKey string `json:"privateKey,omitempty"`
	// CACertificates is a file. Default: the system's roots.
	CACertificates string `json:"caCertificates,omitempty"`
	// CredentialName is a secret; excludes the files.
	CredentialName string `json:"credentialName,omitempty"`
	// CredentialDir is where admission found CredentialName: nobody writes it.
	CredentialDir string `json:"-"`
	// SubjectAltNames that the endpoint's certificate may have.
	SubjectAltNames []string `json:"subjectAltNames,omitempty"`
	// SNI that the client sends.
	SNI string `json:"sni,omitempty"`
	// InsecureSkipVerify accepts any certificate; excludes caCertificates and
	// subjectAltNames. Default false.
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`
	// CACRL is a file with revoked certificates.
	CACRL string `json:"caCrl,omitempty"`
}
