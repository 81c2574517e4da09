// Command pulumi-resource-kubernetes is Pulumi's Kubernetes provider.
//
// The two JSON files stand in the provider module's directory; the builder puts them beside this
// file, the schema with the provider's version in it and without white space.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() {
	provider.Serve("kubernetes", version.Version, schema, terraformMapping)
}
