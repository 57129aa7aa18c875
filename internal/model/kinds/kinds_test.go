package kinds

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/model"
)

// Test checks the conventions that reflection relies on.
func Test(t *testing.T) {
	meta := []string{"kind", "unlisted", "want"}
	for f := range reflect.TypeFor[model.Meta]().Fields() {
		meta = append(meta, jsonName(f))
	}
	used := map[string]bool{}
	for _, typ := range All {
		rt := reflect.TypeOf(typ.New()).Elem()
		if f := rt.Field(0); f.Type != reflect.TypeFor[model.Meta]() || f.Name != "Meta" {
			t.Errorf("%s does not begin with model.Meta", typ.Name)
		}
		if subject := strings.HasSuffix(typ.Name, ".Account") || strings.HasSuffix(typ.Name, ".Region"); subject != (typ.List == "") {
			t.Errorf("%s: listed by %q", typ.Name, typ.List)
		}
		if len(typ.Attrs) != rt.NumField()-1 {
			t.Errorf("%s has a field that is no Attr", typ.Name)
		}
		seen := slices.Clone(meta)
		for _, a := range typ.Attrs {
			f, _ := rt.FieldByName(a.Name)
			name := jsonName(f)
			if name == "" || slices.Contains(seen, name) || !strings.HasSuffix(f.Tag.Get("json"), ",omitzero") {
				t.Errorf("%s.%s: JSON name %q is missing, taken or without omitzero", typ.Name, a.Name, name)
			}
			seen = append(seen, name)
			if len(a.Calls) == 0 {
				t.Errorf("%s.%s has no call", typ.Name, a.Name)
			}
			for _, c := range a.Calls {
				used[model.Operation(c)] = true
			}
			value, _ := f.Type.FieldByName("value")
			checkValue(t, typ.Name+"."+a.Name, value.Type)
		}
		used[model.Operation(typ.List)] = typ.List != ""
	}
	for op := range used {
		if _, ok := model.Actions[op]; !ok && op != "" {
			t.Errorf("Actions lacks %s", op)
		}
	}
	for op := range model.Actions {
		if !used[op] && !slices.Contains(slices.Concat(model.DriverCalls, model.OrganizationCalls, model.AttributionCalls), op) {
			t.Errorf("no attribute needs %s of Actions", op)
		}
	}
}

// checkValue makes sure that a value survives a snapshot: Load refuses null.
func checkValue(t *testing.T, where string, typ reflect.Type) {
	if typ == reflect.TypeFor[time.Time]() {
		return // a text
	}
	switch typ.Kind() {
	case reflect.Pointer, reflect.Interface:
		t.Errorf("%s holds a %s, which may be nil", where, typ)
	case reflect.Slice, reflect.Map:
		checkValue(t, where, typ.Elem())
	case reflect.Struct:
		for f := range typ.Fields() {
			if k := f.Type.Kind(); (k == reflect.Slice || k == reflect.Map) && !strings.Contains(f.Tag.Get("json"), ",omit") {
				t.Errorf("%s.%s needs omitempty", where, f.Name)
			}
			checkValue(t, where+"."+f.Name, f.Type)
		}
	}
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
