package awstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// IsCBOR reports whether a request is of the protocol Smithy RPC v2 CBOR, in which CloudWatch speaks. Recordings keep it as JSON, where
// {"$time":"2026-11-21T12:00:00Z"} is a time, which JSON has none of.
func IsCBOR(r *http.Request) bool { return r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" }

const timeKey = "$time"

// CBOR turns JSON into what goes over the wire.
func CBOR(text []byte) ([]byte, error) {
	var v any
	if err := decode(text, &v); err != nil {
		return nil, err
	}
	c, err := toCBOR(v)
	if err != nil {
		return nil, err
	}
	return cbor.Encode(c), nil
}

func toCBOR(v any) (cbor.Value, error) {
	switch v := v.(type) {
	case map[string]any:
		if text, ok := v[timeKey].(string); ok && len(v) == 1 {
			t, err := time.Parse(time.RFC3339, text)
			return &cbor.Tag{ID: 1, Value: cbor.Float64(float64(t.UnixMilli()) / 1000)}, err
		}
		m := cbor.Map{}
		for k, x := range v {
			var err error
			if m[k], err = toCBOR(x); err != nil {
				return nil, err
			}
		}
		return m, nil
	case []any:
		l := cbor.List{}
		for _, x := range v {
			c, err := toCBOR(x)
			if err != nil {
				return nil, err
			}
			l = append(l, c)
		}
		return l, nil
	case string:
		return cbor.String(v), nil
	case bool:
		return cbor.Bool(v), nil
	case json.Number:
		if n, err := v.Int64(); err == nil && n >= 0 {
			return cbor.Uint(n), nil
		} else if err == nil {
			return cbor.NegInt(-n), nil
		}
		f, err := v.Float64()
		return cbor.Float64(f), err
	case nil:
		return &cbor.Nil{}, nil
	}
	return nil, fmt.Errorf("%T in JSON", v)
}

// readable turns what came over the wire into JSON.
func readable(body []byte) (json.RawMessage, error) {
	v, err := cbor.Decode(body)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err = e.Encode(plain(v))
	return bytes.TrimSpace(b.Bytes()), err
}

// plain turns CBOR into what JSON is made of.
func plain(v cbor.Value) any {
	switch v := v.(type) {
	case cbor.Map:
		m := make(map[string]any, len(v))
		for k, x := range v {
			m[k] = plain(x)
		}
		return m
	case cbor.List:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = plain(x)
		}
		return l
	case cbor.String:
		return string(v)
	case cbor.NegInt:
		return -int64(v)
	case *cbor.Tag:
		seconds, err := cbor.AsFloat64(v.Value)
		if v.ID != 1 || err != nil {
			return plain(v.Value)
		}
		return map[string]any{timeKey: time.UnixMilli(int64(seconds * 1000)).UTC().Format(time.RFC3339Nano)}
	case *cbor.Nil, *cbor.Undefined:
		return nil
	default: // bool, numbers, bytes
		return v
	}
}

// isCBOR reports whether an answer is CBOR, by its Content-Type.
func isCBOR(contentType string) bool { return strings.HasPrefix(contentType, "application/cbor") }
