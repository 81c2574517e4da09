package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
)

func TestTheCertificateIsTrustedForItsServiceAndNoOther(t *testing.T) {
	certificate, key, err := selfSigned("adapter.monitoring.svc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.X509KeyPair(certificate, key); err != nil {
		t.Fatal("key and certificate do not belong together:", err)
	}
	block, _ := pem.Decode(certificate)
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	if _, err := parsed.Verify(x509.VerifyOptions{DNSName: "adapter.monitoring.svc", Roots: roots}); err != nil {
		t.Error("not trusted as its own caBundle:", err)
	}
	if _, err := parsed.Verify(x509.VerifyOptions{DNSName: "other.monitoring.svc", Roots: roots}); err == nil {
		t.Error("trusted under another name")
	}
	if _, err := parsed.Verify(x509.VerifyOptions{DNSName: "adapter.monitoring.svc", Roots: x509.NewCertPool()}); err == nil {
		t.Error("trusted without its caBundle")
	}
}

func TestAnotherAttemptInTheSamePodReplacesTheFiles(t *testing.T) {
	directory := t.TempDir()
	for _, attempt := range []string{"first", "second"} {
		if err := keep(directory, []byte(attempt), []byte(attempt)); err != nil {
			t.Fatal(attempt, err)
		}
	}
	for _, name := range []string{"tls.crt", "tls.key"} {
		file := filepath.Join(directory, name)
		content, err := os.ReadFile(file)
		if err != nil || string(content) != "second" {
			t.Error(name, string(content), err)
		}
		// Root may write anything, the user in the pod only what its owner may write; and nobody else may read it.
		if found, err := os.Stat(file); err != nil || found.Mode().Perm() != 0o600 {
			t.Error(name, found.Mode(), err)
		}
	}
}
