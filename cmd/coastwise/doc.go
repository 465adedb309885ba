// Command coastwise is a locality-aware xDS control plane and its tools.
//
// In: flags, and the environment variables that the help names. Out: answers on
// stdout, messages on stderr, and one of the exit codes of main.go. It turns
// flags into a call of controlplane or translate and prints what comes back; it
// decides nothing itself.
package main
