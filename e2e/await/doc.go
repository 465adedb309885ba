// Package await waits in a test for what comes by itself.
//
// In: a question that says what is still missing. Out: nothing once it says "", and a
// test that fails with what was missing last otherwise.
package await
