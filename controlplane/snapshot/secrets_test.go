package snapshot

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// Who refused a secret is sent both again in another spelling, later each time; the refusal
// is that proxy's own, and forgotten once the secret is taken.
func TestRefusedSecretsAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := newHub(t, append(behindZtunnel(), gatewayOf(model.ProtocolHBONE, model.PortHBONE))...)
		m, other := join(t, h, hboneProxy("wp-0")), join(t, h, hboneProxy("wp-1"))
		m.Take()
		other.Take()
		first := version(m, envoy.SecretType, "coastwise-ca")
		was := first
		for _, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second, 15 * time.Second} {
			h.NackedSecrets("default/wp-0")
			h.NackedSecrets("default/wp-0") // of the other secret
			time.Sleep(pause - time.Millisecond)
			if now := version(m, envoy.SecretType, "coastwise-ca"); now != was {
				t.Fatalf("sent again before %v", pause)
			}
			time.Sleep(2 * time.Millisecond)
			u := m.Take()
			now := u.View.Get(envoy.SecretType, "coastwise-ca").Version
			if now == was || len(u.Names) != 2 {
				t.Fatalf("after %v the stream looks at %q, and the secret differs: %v", pause, u.Names, now != was)
			}
			was = now
		}
		if was != first {
			t.Error("there are more than two spellings")
		}
		if u := other.Take(); len(u.Names) > 0 {
			t.Errorf("another proxy looks at %q", u.Names)
		}
		h.NackedSecrets("default/wp-0")
		m.Leave()
		time.Sleep(time.Minute)
		if u := m.Take(); len(u.Names) > 0 {
			t.Error("a stream that has ended is woken")
		}
	})
}

func TestRefusalsOfSecrets(t *testing.T) {
	h, _ := newHub(t, append(behindZtunnel(), gatewayOf(model.ProtocolHBONE, model.PortHBONE))...)
	refused := func(id string) Refusal {
		return Refusal{ProxyID: "default/" + id, TypeURL: envoy.SecretType, Name: "coastwise-ca", Message: "Invalid path: /x"}
	}
	told := func() []string {
		var out []string
		for _, p := range h.Problems() {
			if p.Reason == model.ProxyRejected && p.Field == "node.metadata.coastwise.certificate" {
				out = append(out, p.Object.String())
			}
		}
		return out
	}
	for _, id := range []string{"wp-0", "wp-1"} {
		join(t, h, hboneProxy(id))
		h.Refuse(refused(id))
	}
	if got := told(); len(got) != 2 {
		t.Errorf("refused by two, told of %q", got)
	}
	h.Mended(refused("wp-0"))
	if got := told(); len(got) != 1 || got[0] != "Proxy default/wp-1" {
		t.Errorf("one has taken it, told of %q", got)
	}
}
