// Package peers lets the replicas of one control plane ask each other how far their
// proxies are.
package peers
