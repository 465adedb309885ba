package envoy

import "github.com/coastwise/coastwise/translate/model"

func goodProxy() model.Proxy {
	return model.Proxy{
		ID: "shop/web-1", Namespace: "shop", Kind: model.Sidecar, Node: "node-1",
		Locality: model.Locality{Region: "eu", Zone: "eu-1"}, Labels: map[string]string{"app": "web"},
		Network: "n1", Scope: "shop/*", Bind: "127.0.0.1", HTTPProxyPort: 15080,
	}
}
