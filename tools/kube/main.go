// Command kube reads manifests of Kubernetes as its API server would: strictly, each into the type that it names. It exits 1 if one is not what it says.
//
//	kube FILE...
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// kinds makes an empty object of each kind that is used here.
var kinds = map[string]func() any{
	"v1 Namespace":                       func() any { return new(core.Namespace) },
	"v1 ServiceAccount":                  func() any { return new(core.ServiceAccount) },
	"v1 Service":                         func() any { return new(core.Service) },
	"v1 ConfigMap":                       func() any { return new(core.ConfigMap) },
	"apps/v1 Deployment":                 func() any { return new(apps.Deployment) },
	"apps/v1 StatefulSet":                func() any { return new(apps.StatefulSet) },
	"networking.k8s.io/v1 NetworkPolicy": func() any { return new(networking.NetworkPolicy) },
	"policy/v1 PodDisruptionBudget":      func() any { return new(policy.PodDisruptionBudget) },
}

func main() {
	bad := false
	for _, name := range os.Args[1:] {
		text, err := os.ReadFile(name)
		if err == nil {
			err = check(text)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %s\n", name, err)
			bad = true
		}
	}
	if bad {
		os.Exit(1)
	}
}

func check(text []byte) (err error) {
	n := 0
	for part := range bytes.SplitSeq(text, []byte("\n---\n")) {
		var o struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(part, &o); err != nil {
			return err
		}
		kind := o.APIVersion + " " + o.Kind
		if kinds[kind] == nil {
			err = errors.Join(err, fmt.Errorf("nothing is known of %q: add it to tools/kube", kind))
			continue
		}
		text, wrong := yaml.YAMLToJSONStrict(part)
		if wrong == nil {
			var more []error
			more, wrong = json.UnmarshalStrict(text, kinds[kind]()) // upper and lower case differ
			wrong = errors.Join(append(more, wrong)...)
		}
		if wrong != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", kind, wrong))
		}
		n++
	}
	if n == 0 && err == nil {
		err = io.ErrUnexpectedEOF
	}
	return err
}
