// Package nameserver is a DNS server on loopback for tests: names that a test
// gives it have the IPv4 addresses that it says, others do not exist.
//
// In: names and addresses. Out: answers over UDP. It imports the standard library
// only.
package nameserver
