package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
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
