package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"awsscanner/internal/config"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/store"
)

// object is an object of JSON. Its keys are written in order.
type object = map[string]any

// openAPI describes the operations that are offered, as OpenAPI 3.1 says.
func (s *Server) openAPI() ([]byte, error) {
	d := describer{schemas: object{}, names: map[string]reflect.Type{}}
	failure := object{"application/problem+json": object{"schema": d.schema(reflect.TypeFor[problem]())}}
	responses := object{}
	name := func(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }
	paths := object{}
	for _, x := range s.routes {
		if !x.offered {
			continue
		}
		status := max(x.status, http.StatusOK)
		ok := object{"description": "Well"}
		switch {
		case x.other != "":
			ok["content"] = object{x.other: object{"schema": object{}}}
		case x.answer == nil:
			status = http.StatusNoContent
		default:
			content := object{"application/json": object{"schema": d.schema(x.answer)}}
			if x.csv {
				content["text/csv"] = object{"schema": object{"type": "string"}}
			}
			ok["content"] = content
		}
		answers := object{strconv.Itoa(status): ok}
		refuses := append([]int{400, 401, 403, 429, 500, 503}, x.refuses...) // 400: no operation takes parameters that it does not know
		if x.body != nil {
			refuses = append(refuses, 413, 415)
		}
		for _, status := range refuses {
			answers[strconv.Itoa(status)] = object{"$ref": "#/components/responses/" + name(status)}
			responses[name(status)] = object{"description": http.StatusText(status), "content": failure}
		}
		op := object{"operationId": x.id, "summary": x.summary, "responses": answers, "description": strings.TrimSpace(x.note + " Needs the role " + x.role.String() + ".")}
		var params []any
		for _, p := range x.params {
			params = append(params, p.describe())
		}
		if len(params) > 0 {
			op["parameters"] = params
		}
		if x.body != nil {
			op["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": d.schema(x.body)}}}
		}
		at, _ := paths[x.path].(object)
		if at == nil {
			at = object{}
			paths[x.path] = at
		}
		at[strings.ToLower(x.method)] = op
	}
	if d.err != nil {
		return nil, d.err
	}
	return json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{"title": "scanner", "version": s.Version, "summary": "What scans of AWS accounts have found over time",
			"description": "Lists come in pages: give next of one page as after for the next, or follow the header Link. Errors say what was wrong, and the way out. Times are UTC. Parameters that are not known are refused.",
			"license":     object{"name": "Apache-2.0", "identifier": "Apache-2.0"}},
		"paths":    paths,
		"security": []any{object{"token": []any{}}, object{"session": []any{}}},
		"components": object{"schemas": d.schemas, "responses": responses, "securitySchemes": object{
			"token":   object{"type": "http", "scheme": "bearer", "description": "made by scanner tokens create"},
			"session": object{"type": "apiKey", "in": "cookie", "name": s.cookie("session"), "description": "of a browser that has signed in; what changes something needs the header X-Form-Token of its pages, too"},
		}},
	}, "", " ")
}

func (p *param) describe() object {
	v := object{"type": "string"}
	switch {
	case p.kind == "integer":
		v = object{"type": "integer", "minimum": p.least, "maximum": p.most}
	case p.kind == "boolean":
		v = object{"type": "boolean"}
	case p.kind == "date-time":
		v["format"] = "date-time"
	case len(p.of) > 0:
		v["enum"] = p.of
	default:
		v["maxLength"] = 200
		if p.most > 0 {
			v["maxLength"] = p.most
		}
	}
	if p.standard != "" {
		v["default"] = p.standard
		if n, err := strconv.Atoi(p.standard); err == nil && p.kind == "integer" {
			v["default"] = n
		}
	}
	if p.list {
		v = object{"type": "array", "items": v, "maxItems": 50}
	}
	x := object{"name": p.name, "in": "query", "schema": v}
	if p.in == "path" {
		x["in"], x["required"] = "path", true
	}
	if p.doc != "" {
		x["description"] = p.doc
	}
	return x
}

// A describer makes schemas of Go types, as encoding/json writes them.
type describer struct {
	schemas object
	names   map[string]reflect.Type
	err     error
}

func enum[T ~string](all ...T) object {
	names := []string{}
	for _, x := range all {
		names = append(names, string(x))
	}
	return object{"type": "string", "enum": names}
}

func (d *describer) schema(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return object{"type": "object"}
	case reflect.TypeFor[engine.Severity]():
		return object{"type": "string", "enum": engine.Severities()}
	case reflect.TypeFor[config.Role]():
		return enum(config.Viewer.String(), config.Operator.String(), config.Admin.String())
	case reflect.TypeFor[engine.Status]():
		return enum(engine.Statuses...)
	case reflect.TypeFor[engine.Pillar]():
		return enum(engine.Pillars...)
	case reflect.TypeFor[engine.Level]():
		return enum(engine.Levels...)
	case reflect.TypeFor[store.State]():
		return enum(states...)
	case reflect.TypeFor[store.EventType]():
		return enum(eventTypes()...)
	case reflect.TypeFor[model.Reason]():
		return enum(model.Reasons...)
	case reflect.TypeFor[model.Class]():
		return enum(model.Fixable, model.Structural)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.schema(t.Elem())
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Interface:
		return object{}
	case reflect.Slice:
		return object{"type": "array", "items": d.schema(t.Elem())}
	case reflect.Map:
		x := object{"type": "object", "additionalProperties": d.schema(t.Elem())}
		if key := d.schema(t.Key()); key["enum"] != nil {
			x["propertyNames"] = object{"enum": key["enum"]}
		}
		return x
	case reflect.Struct:
		name := strings.TrimPrefix(t.Name(), "json")
		name = strings.ToUpper(name[:1]) + name[1:]
		if before := d.names[name]; before != nil && before != t { // of two packages
			from := t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:]
			name = strings.ToUpper(from[:1]) + from[1:] + name
		}
		if d.names[name] == nil {
			d.names[name] = t
			x := object{"type": "object", "properties": object{}}
			d.fields(t, x)
			d.schemas[name] = x
		}
		return object{"$ref": "#/components/schemas/" + name}
	}
	d.err = fmt.Errorf("there is no schema of %s", t)
	return nil
}

func (d *describer) fields(t reflect.Type, into object) {
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && key == "" {
			d.fields(f.Type, into)
			continue
		}
		if key == "-" || !f.IsExported() {
			continue
		}
		if key == "" {
			key = f.Name
		}
		x := d.schema(f.Type)
		if doc := f.Tag.Get("doc"); doc != "" && x != nil {
			x["description"] = doc
		}
		into["properties"].(object)[key] = x
		required, _ := into["required"].([]string)
		if !strings.Contains(options, "omit") && !slices.Contains(required, key) {
			required = append(required, key)
			slices.Sort(required)
			into["required"] = required
		}
	}
}
