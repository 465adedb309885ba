// Command waypointdemo plays samples/waypoint on one machine (`make waypoint`): real
// Envoys as waypoints in two zones, the sample's endpoints as processes, and in the place
// of ztunnels what they send: a PROXY header with the client's identity and where it
// wanted to go. A zone dies; the table shows who served whom.
//
// It exits with 1 if a share is not as translate predicts, or a request failed.
package main
