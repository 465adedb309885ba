package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/gate"
)

// grpcFlags are those of the gRPC client: it stands in the zone that dies.
func grpcFlags(l Layout) coastwise.Client {
	z := l.Zones[0]
	return coastwise.Client{ID: "client-grpc", Kind: "grpc", Namespace: z.Namespace(), Locality: z.String()}
}

// gateAddress is the IP of the gRPC client, behind those of the Envoys.
func (w *World) gateAddress() string { return w.net.Address(1, 1+len(w.layout.Zones)) }

// startGRPC starts a proxyless gRPC client beside the Envoys, with what bootstrap
// prints and nothing else.
func (w *World) startGRPC(ctx context.Context) error {
	flags := grpcFlags(w.layout)
	bootstrap, err := w.binary.Bootstrap(ctx, flags, w.server.XDS)
	if err != nil {
		return err
	}
	address := fmt.Sprintf("%s:%d", w.gateAddress(), w.ports.Proxy)
	p, err := gate.Start(address, "xds:///"+serviceHost+":80", bootstrap, w.log)
	if err != nil {
		return err
	}
	w.clients = append(w.clients, Client{Flags: flags, Entry: address, GRPC: p})
	return backend.WaitListening(p, address, time.Now().Add(patience))
}

// unsynced says what is missing for a client to have acknowledged all that
// coastwise has for it; "" for nothing.
func (w *World) unsynced(flags coastwise.Client) string {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get("http://" + w.server.Admin + "/proxies")
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	var proxies []struct {
		ID    string `json:"id"`
		Types []struct {
			Type   string `json:"type"`
			Synced bool   `json:"synced"`
		} `json:"types"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&proxies); err != nil {
		return err.Error()
	}
	for _, p := range proxies {
		if p.ID != flags.Namespace+"/"+flags.ID {
			continue
		}
		for _, of := range p.Types {
			if !of.Synced {
				return of.Type + " is not acknowledged"
			}
		}
		if len(p.Types) == 4 {
			return ""
		}
	}
	return "it has not asked for everything"
}
