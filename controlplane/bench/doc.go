// Command bench measures what a change costs, as ratios within one run, since
// absolute times of a shared machine mean little: deciding against marshalling,
// and publishing one endpoint's change among many services against among few.
// It prints a table and exits 1 if a ratio is over its bound.
package main
