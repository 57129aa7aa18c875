package release

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// bill writes the bill of materials of a binary: what the binary itself says that was linked into it.
func (r *Release) bill(binary, name string, modules []Module) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return fmt.Errorf("reading what was linked into %s: %w", binary, err)
	}
	sum, err := sum(binary)
	if err != nil {
		return err
	}
	text, err := Bill(r.Name, r.Version, info, sum, modules)
	if err != nil {
		return fmt.Errorf("writing the bill of materials of %s: %w", binary, err)
	}
	return os.WriteFile(name, text, 0o644)
}

// Bill returns a bill of materials as CycloneDX. It has no time and a serial number made of the binary, so that the same binary has the same bill.
func Bill(name, version string, info *buildinfo.BuildInfo, sum []byte, modules []Module) ([]byte, error) {
	licence := map[string]*cdx.Licenses{}
	for _, m := range modules {
		licence[m.Path] = &cdx.Licenses{{Expression: strings.Join(m.SPDX, " AND ")}}
		if len(m.SPDX) == 1 {
			licence[m.Path] = &cdx.Licenses{{License: &cdx.License{ID: m.SPDX[0]}}}
		}
	}
	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	var components []cdx.Component
	add := func(path, version, sum string) error {
		c := cdx.Component{Type: cdx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: purl(path, version), Licenses: licence[path], Scope: cdx.ScopeRequired}
		c.BOMRef = c.PackageURL
		if c.Licenses == nil {
			return fmt.Errorf("the licence of %s is not known", path)
		}
		if sum != "" {
			c.Properties = &[]cdx.Property{{Name: "go:sum", Value: sum}}
		}
		components = append(components, c)
		return nil
	}
	if err := add(standardLibrary, goVersion, ""); err != nil {
		return nil, err
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			return nil, fmt.Errorf("%s is replaced by %s: a release links what go.mod requires", m.Path, m.Replace.Path)
		}
		if err := add(m.Path, m.Version, m.Sum); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(components, func(a, b cdx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	refs := make([]string, 0, len(components))
	dependencies := []cdx.Dependency{}
	for _, c := range components {
		refs = append(refs, c.BOMRef)
		dependencies = append(dependencies, cdx.Dependency{Ref: c.BOMRef})
	}

	self := cdx.Component{
		Type: cdx.ComponentTypeApplication, Name: name, Version: version, PackageURL: purl(info.Main.Path, version),
		Hashes:     &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sum)}},
		Licenses:   &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
		Properties: properties(info.Settings),
	}
	self.BOMRef = self.PackageURL
	uuid := slices.Clone(sum[:16])
	uuid[6], uuid[8] = uuid[6]&0x0f|0x80, uuid[8]&0x3f|0x80 // version 8: made of whatever one likes
	bom := cdx.NewBOM()
	bom.SerialNumber = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", uuid[:4], uuid[4:6], uuid[6:8], uuid[8:10], uuid[10:])
	bom.Metadata = &cdx.Metadata{
		Component: &self,
		Tools:     &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: "go", Version: goVersion}}},
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: self.BOMRef, Dependencies: &refs}}
	*bom.Dependencies = append(*bom.Dependencies, dependencies...)
	var b bytes.Buffer
	err := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).EncodeVersion(bom, cdx.SpecVersion1_6)
	return b.Bytes(), err
}

// properties are the settings of a build that change its output.
func properties(settings []debug.BuildSetting) *[]cdx.Property {
	var all []cdx.Property
	for _, s := range settings {
		if s.Value != "" {
			all = append(all, cdx.Property{Name: "go:build:" + s.Key, Value: s.Value})
		}
	}
	return &all
}

// purl is the URL of a module as package-url has it.
func purl(path, version string) string {
	return "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
}
