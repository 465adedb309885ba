package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestReadsWhatTheKernelSays(t *testing.T) {
	const stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 30 9 9 20 0 4 0 1 1 1"
	if d, err := parseStat([]byte(stat)); err != nil || d != 2800*time.Millisecond {
		t.Errorf("%v, %v", d, err)
	}
	for _, wrong := range []string{"", "7 (a) S 1", "7 (a) S 1 7 7 0 -1 4194560 100 0 0 0 x 30 9"} {
		if d, err := parseStat([]byte(wrong)); err == nil {
			t.Errorf("%q is %v", wrong, d)
		}
	}
	before, err := cpuOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; {
		after, err := cpuOf(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after >= before+3*tick {
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("busy for %s, and used %s", time.Since(began), after-before)
		}
	}
	if rss, err := rssOf(os.Getpid()); err != nil || rss < 1<<20 {
		t.Errorf("%d bytes, %v", rss, err)
	}
}

func TestReadsMetrics(t *testing.T) {
	got := parsePushes(`# HELP coastwise_pushes_total Responses sent to proxies.
coastwise_pushes_total{type="Listener"} 2
coastwise_push_resources_total{type="Listener"} 3
coastwise_push_bytes_total{type="Listener"} 1.048576e+06
coastwise_nacks_total{type="Listener"} 9
coastwise_pushes_total{type="Cluster"} 1
`)
	if want := (push{responses: 2, resources: 3, bytes: 1 << 20}); got["Listener"] != want {
		t.Errorf("%+v", got["Listener"])
	}
	if got["Cluster"].responses != 1 || got["Listener"].String() != "3, 1024 kB in 2" {
		t.Errorf("%+v, %s", got, got["Listener"])
	}
}

func TestFlags(t *testing.T) {
	good := options{coastwise: "c", envoy: "e", ports: 2, endpoints: 3}
	if o := good; o.read("waypoint,hbone", "1,10000") != nil || len(o.kinds) != 2 || o.services[1] != 10000 {
		t.Errorf("%+v", o)
	}
	for _, bad := range [][2]string{{"", "1"}, {"waypoint", ""}, {"gateway", "1"}, {"waypoint", "0"}, {"waypoint", "10001"}} {
		if o := good; o.read(bad[0], bad[1]) == nil {
			t.Errorf("%q were taken", bad)
		}
	}
}

func TestOverlay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "over.yaml")
	if err := os.WriteFile(file, []byte("a: {b: 2, gone: null}\nlist: [3]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := overlaid([]byte("a: {b: 1, c: 1, gone: 1}\nlist: [1, 2]\nkept: 1\n"), file)
	if want := `{"a":{"b":2,"c":1},"kept":1,"list":[3]}`; err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}
