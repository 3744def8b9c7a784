package mirror

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/pantry-go/pantry"
)

// FromSBOM lists what an SBOM (CycloneDX or SPDX 2, JSON) names by package URLs of the given type
// ("npm", "github"), in the versions it names. Other components are left out. Errors match
// [pantry.ErrConfig].
func FromSBOM(data []byte, purlType string) (items []Item, left []Left, err error) {
	var doc struct {
		Format     string      `json:"bomFormat"`
		Components []component `json:"components"`
		SPDX       string      `json:"spdxVersion"`
		Packages   []struct {
			Name    string `json:"name"`
			Version string `json:"versionInfo"`
			Refs    []struct {
				Type    string `json:"referenceType"`
				Locator string `json:"referenceLocator"`
			} `json:"externalRefs"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, nil, fmt.Errorf("%w: the SBOM is not JSON of CycloneDX or SPDX: %w", pantry.ErrConfig, err)
	}
	seen := map[string]bool{}
	add := func(name, version, purl string) {
		it, reason := fromPURL(purl, purlType)
		switch {
		case reason != "":
			left = append(left, Left{name, version, reason})
		case !seen[it.key()]:
			seen[it.key()] = true
			items = append(items, it)
		}
	}
	switch {
	case doc.Format == "CycloneDX":
		eachComponent(doc.Components, func(c component) { add(c.Name, c.Version, c.PURL) })
	case strings.HasPrefix(doc.SPDX, "SPDX-2"):
		for _, p := range doc.Packages {
			purl := ""
			for _, r := range p.Refs {
				if r.Type == "purl" {
					purl = r.Locator
				}
			}
			add(p.Name, p.Version, purl)
		}
	default:
		return nil, nil, pantry.WithHint(fmt.Errorf("%w: the SBOM is neither CycloneDX nor SPDX 2", pantry.ErrConfig),
			"both are read in their JSON form")
	}
	return items, left, nil
}

type component struct {
	Name       string      `json:"name"`
	Version    string      `json:"version"`
	PURL       string      `json:"purl"`
	Components []component `json:"components"`
}

// eachComponent shows components and those inside them; encoding/json bounds how deep they are.
func eachComponent(cs []component, f func(component)) {
	for _, c := range cs {
		f(c)
		eachComponent(c.Components, f)
	}
}

// fromPURL reads a package URL; reason says why it is none that can be copied.
func fromPURL(purl, purlType string) (it Item, reason string) {
	if purl == "" {
		return it, "the SBOM gives no package URL for it"
	}
	u, err := packageurl.FromString(purl)
	switch {
	case err != nil:
		return it, fmt.Sprintf("%q is no package URL", purl)
	case u.Type != purlType:
		return it, "it is of the type " + u.Type + ", not " + purlType
	case u.Version == "":
		return it, "the SBOM gives no version for it"
	}
	name := u.Name
	if u.Namespace != "" {
		name = u.Namespace + "/" + u.Name
	}
	if strings.Contains(name, "*") {
		return it, "that is no name"
	}
	return Item{Name: name, Versions: u.Version}, ""
}
