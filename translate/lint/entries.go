package lint

// dnsOnePath is D7.
func dnsOnePath(*mesh) []hit { return nil }

// weightZero is semantics 6.5.
func weightZero(*mesh) []hit { return nil }
