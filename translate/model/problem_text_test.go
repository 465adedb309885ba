package model

import "testing"

func TestObjectRefText(t *testing.T) {
	for _, ref := range []ObjectRef{
		{Kind: "Service", Namespace: "shop", Name: "reviews"},
		{Kind: "Node", Name: "n.example"},
		{Kind: "DestinationRule.networking.istio.io", Namespace: "a", Name: "b"},
		{Kind: KindProxy, Namespace: "a", Name: "b/c"},
	} {
		text, err := ref.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back ObjectRef
		if err := back.UnmarshalText(text); err != nil || back != ref {
			t.Errorf("%s is read as %+v, %v", text, back, err)
		}
	}
	var none ObjectRef
	if err := none.UnmarshalText([]byte("")); err == nil {
		t.Error("nothing is an object")
	}
}
