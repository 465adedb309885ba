package v1alpha1

// ConnectionPool limits connections and requests. At least one of tcp and http.
// +kubebuilder:validation:XValidation:rule="has(self.tcp) || has(self.http)",message="is empty; write tcp or http, or remove it"
type ConnectionPool struct {
	// TCP holds for all connections.
	TCP *TCPSettings `json:"tcp,omitempty"`
	// HTTP holds for HTTP/1, HTTP/2 and gRPC.
	HTTP *HTTPSettings `json:"http,omitempty"`
}

// TCPSettings hold for all connections.
type TCPSettings struct {
	// MaxConnections to the host. Default: no limit.
	// +kubebuilder:validation:Minimum=0
	MaxConnections *int32 `json:"maxConnections,omitempty"`
	// ConnectTimeout. Default: the mesh's, 10s.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms')",message="at least 1ms"
	ConnectTimeout *Duration `json:"connectTimeout,omitempty"`
	// TCPKeepalive probes idle connections. Default: the mesh's, none.
	TCPKeepalive *TCPKeepalive `json:"tcpKeepalive,omitempty"`
	// MaxConnectionDuration ends a connection at that age. Default: never.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms')",message="at least 1ms"
	MaxConnectionDuration *Duration `json:"maxConnectionDuration,omitempty"`
	// IdleTimeout ends a connection without bytes. Default 1h; 0s is never.
	IdleTimeout *Duration `json:"idleTimeout,omitempty"`
}

// TCPKeepalive probes idle connections. What is absent is the operating system's.
type TCPKeepalive struct {
	// Probes without an answer end the connection, at most 127; 0 switches probing off.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=127
	Probes *int64 `json:"probes,omitempty"`
	// Time without bytes before the first probe, at most 32767s, in whole seconds rounded up.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms')",message="at least 1ms"
	// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('32767s')",message="at most 32767s"
	Time *Duration `json:"time,omitempty"`
	// Interval between probes, as time.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms')",message="at least 1ms"
	// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('32767s')",message="at most 32767s"
	Interval *Duration `json:"interval,omitempty"`
}

// HTTPSettings hold for HTTP/1, HTTP/2 and gRPC.
// +kubebuilder:validation:XValidation:rule="!has(self.h2UpgradePolicy) || self.h2UpgradePolicy != 'UPGRADE' || !has(self.useClientProtocol) || !self.useClientProtocol",message="useClientProtocol: not together with h2UpgradePolicy UPGRADE; keep one of them"
type HTTPSettings struct {
	// HTTP1MaxPendingRequests waiting for a connection. Default: no limit.
	// +kubebuilder:validation:Minimum=0
	HTTP1MaxPendingRequests *int32 `json:"http1MaxPendingRequests,omitempty"`
	// HTTP2MaxRequests active at once, HTTP/1 too. Default: no limit.
	// +kubebuilder:validation:Minimum=0
	HTTP2MaxRequests *int32 `json:"http2MaxRequests,omitempty"`
	// MaxRequestsPerConnection; 0 is no limit, which is the default.
	// +kubebuilder:validation:Minimum=0
	MaxRequestsPerConnection *int32 `json:"maxRequestsPerConnection,omitempty"`
	// MaxRetries active at once. Default: no limit.
	// +kubebuilder:validation:Minimum=0
	MaxRetries *int32 `json:"maxRetries,omitempty"`
	// IdleTimeout ends a connection without requests. Default 1h.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms')",message="at least 1ms"
	IdleTimeout *Duration `json:"idleTimeout,omitempty"`
	// H2UpgradePolicy is DEFAULT (the mesh's), DO_NOT_UPGRADE or UPGRADE: HTTP/2 to
	// endpoints on every port of the host. The mesh's UPGRADE holds only where a port
	// declares HTTP.
	// +kubebuilder:validation:Enum="";DEFAULT;DO_NOT_UPGRADE;UPGRADE
	H2UpgradePolicy string `json:"h2UpgradePolicy,omitempty"`
	// UseClientProtocol speaks to the endpoint what the client spoke. Not together
	// with h2UpgradePolicy UPGRADE. Default false.
	UseClientProtocol bool `json:"useClientProtocol,omitempty"`
	// MaxConcurrentStreams on one HTTP/2 connection. Default 2147483647; 0 is the default.
	// +kubebuilder:validation:Minimum=0
	MaxConcurrentStreams *int32 `json:"maxConcurrentStreams,omitempty"`
	// HTTP2KeepAlive pings idle HTTP/2 connections. Default: none.
	HTTP2KeepAlive *HTTP2KeepAlive `json:"http2KeepAlive,omitempty"`
}

// HTTP2KeepAlive pings idle HTTP/2 connections. Both are required.
type HTTP2KeepAlive struct {
	// Interval between pings.
	// +kubebuilder:validation:Required
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms')",message="at least 1ms"
	Interval *Duration `json:"interval,omitempty"`
	// Timeout for the answer.
	// +kubebuilder:validation:Required
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms')",message="at least 1ms"
	Timeout *Duration `json:"timeout,omitempty"`
}

// TLS secures connections to the endpoints.
// +kubebuilder:validation:XValidation:rule="!has(self.insecureSkipVerify) || !self.insecureSkipVerify || !has(self.subjectAltNames) || self.subjectAltNames.size() == 0",message="subjectAltNames: not together with insecureSkipVerify"
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || !(self.mode in ['SIMPLE', 'MUTUAL']) || ((!has(self.clientCertificate) || self.clientCertificate.size() == 0) && (!has(self.privateKey) || self.privateKey.size() == 0) && (!has(self.caCertificates) || self.caCertificates.size() == 0) && (!has(self.caCrl) || self.caCrl.size() == 0))",message="files cannot be named; write credentialName, and put its files into a folder of --tls-dir"
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || self.mode != 'MUTUAL' || (has(self.credentialName) && self.credentialName.size() > 0)",message="credentialName is missing; mode MUTUAL needs the client's certificate"
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || self.mode != 'SIMPLE' || !has(self.insecureSkipVerify) || !self.insecureSkipVerify || !has(self.credentialName) || self.credentialName.size() == 0",message="credentialName: not together with insecureSkipVerify: in mode SIMPLE it is only the CA"
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || !(self.mode in ['SIMPLE', 'MUTUAL']) || !has(self.credentialName) || self.credentialName.size() == 0 || (self.credentialName.size() <= 63 && self.credentialName.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'))",message="credentialName must be a DNS label"
type TLS struct {
	// Mode is DISABLE, SIMPLE, MUTUAL or ISTIO_MUTUAL.
	// +kubebuilder:validation:Enum="";DISABLE;SIMPLE;MUTUAL;ISTIO_MUTUAL
	Mode string `json:"mode,omitempty"`
	// ClientCertificate is a file; MUTUAL needs it or credentialName.
	ClientCertificate string `json:"clientCertificate,omitempty"`
	// PrivateKey is a file; MUTUAL needs it or credentialName.
	PrivateKey string `json:"privateKey,omitempty"`
	// CACertificates is a file. Default: the system's roots.
	CACertificates string `json:"caCertificates,omitempty"`
	// CredentialName is a secret; excludes the files.
	// +kubebuilder:validation:MaxLength=253
	CredentialName string `json:"credentialName,omitempty"`
	// CredentialDir is where admission found CredentialName: nobody writes it.
	CredentialDir string `json:"-"`
	// SubjectAltNames that the endpoint's certificate may have.
	SubjectAltNames []AltName `json:"subjectAltNames,omitempty"`
	// SNI that the client sends.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$`
	SNI string `json:"sni,omitempty"`
	// InsecureSkipVerify accepts any certificate; excludes caCertificates and
	// subjectAltNames. Default false.
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`
	// CACRL is a file with revoked certificates.
	CACRL string `json:"caCrl,omitempty"`
}
