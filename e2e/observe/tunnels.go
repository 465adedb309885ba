package observe

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// opened answers a request for a tunnel: what comes out of it is how it was asked for.
func opened(w http.ResponseWriter, r *http.Request) {
	says := fmt.Sprintf("%s %s\n", r.Method, r.Host)
	control := http.NewResponseController(w)
	if r.Method == http.MethodConnect && r.ProtoMajor == 1 {
		conn, _, err := control.Hijack()
		if err == nil {
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\n"+says)
			time.AfterFunc(soon, func() { conn.Close() })
		}
		return
	}
	_ = control.EnableFullDuplex() // the request goes on while the answer is read
	fmt.Fprint(w, says)
	_ = control.Flush()
	select {
	case <-time.After(soon):
	case <-r.Context().Done():
	}
}

// greeted is the first line that a TCP client of the site's listener gets.
func greeted(s *Site) (string, error) {
	c, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", s.world.flags[s.Client].Bind, s.listens), soon)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * soon))
	if _, err := fmt.Fprint(c, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line), err
}

func tunnels() []Observation {
	tunnel := func(more, want string) Side {
		return Side{
			Policy: "{tunnel: {" + more + "}}", Annotations: "networking.coastwise.dev/listen: 'db=LISTENS'",
			Ports: "[{name: db, port: 80}]", Slice: SliceShape{PortName: "db"}, Want: want,
		}
	}
	return []Observation{
		{
			Name: "tunnel-protocol", Rows: policy("tunnel.protocol"), Measure: greeted,
			With:    tunnel("protocol: POST, targetHost: db.example, targetPort: 5432", "POST db.example:5432"),
			Without: tunnel("targetHost: db.example, targetPort: 5432", "CONNECT db.example:5432"),
		},
		{
			Name: "tunnel-target", Rows: policy("tunnel.targetHost", "tunnel.targetPort"), Measure: greeted,
			With:    tunnel("targetHost: other.example, targetPort: 5433", "CONNECT other.example:5433"),
			Without: Side{Annotations: "networking.coastwise.dev/listen: 'db=LISTENS'", Ports: "[{name: db, port: 80}]", Slice: SliceShape{PortName: "db"}, Want: "HTTP/1.0 200 OK"},
		},
	}
}
