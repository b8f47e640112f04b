package cli

import (
	"maps"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestParseOptions(t *testing.T) {
	known := api.ScaffoldRequest{Template: "bpftrace", Kind: "uprobe"}
	for _, tt := range []struct {
		specs     []string
		req       api.ScaffoldRequest
		want      map[string]string
		err, hint string
	}{
		{nil, known, nil, "", ""},
		{[]string{"symbol=malloc", "library="}, known, map[string]string{"symbol": "malloc", "library": ""}, "", ""},
		{[]string{"symbol=a,library=b"}, known, map[string]string{"symbol": "a", "library": "b"}, "", ""},
		{[]string{"symbol=a,b"}, known, map[string]string{"symbol": "a,b"}, "", ""},
		{[]string{"symbol"}, known, nil, "read --option symbol: it is not of the form NAME=VALUE", "ebpfdev templates show bpftrace/uprobe"},
		{[]string{"=x"}, api.ScaffoldRequest{Template: "bcc"}, nil, "read --option =x: it is not of the form NAME=VALUE", "ebpfdev templates show bcc"},
		{[]string{"symbol"}, api.ScaffoldRequest{}, nil, "read --option symbol: it is not of the form NAME=VALUE", "ebpfdev templates list"},
	} {
		got, err := parseOptions(tt.specs, tt.req)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if !maps.Equal(got, tt.want) || said != tt.err || api.HintOf(err) != tt.hint {
			t.Errorf("%q: %q, %v (hint %s)", tt.specs, got, err, api.HintOf(err))
		}
	}
}
