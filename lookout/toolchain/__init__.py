"""The external programs: which they are, how they are built from source, and where they are kept.

Callers use `lookout.tools`; this package is what stands behind it.

To move a program to another version: `go get <module>@<version>` and `go mod tidy` in `tools/<family>`, then
`lookout tools build`. The checksum database does not know every module of the pulumi-kubernetes family: while go.sum is
written, and only then, those stand in GONOSUMDB, and their hashes are compared with the ones the vendor publishes.
"""
