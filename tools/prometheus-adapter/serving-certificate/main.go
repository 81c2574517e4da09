// Command serving-certificate makes a key and a self-signed certificate for a server behind the API server's aggregation
// layer, and has the API server trust that one certificate: it patches `caBundle` of the APIService.
//
// It runs before the server in the same pod. So no key is kept in git, in a Secret or in Pulumi's state: each start of
// the pod makes another, in memory, and nobody else ever has it.
package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
)

const (
	// The pod that outlives its certificate would have to run for ten years.
	validFor = 10 * 365 * 24 * time.Hour
	// Argo CD applies an APIService after the Deployments it stands for.
	patchWithin = 2 * time.Minute
	retryEvery  = time.Second
)

func main() {
	service := flag.String("service", "", "Service in front of the server, as name.namespace")
	apiService := flag.String("apiservice", "", "APIService that is to trust the certificate")
	directory := flag.String("directory", "", "where tls.crt and tls.key are written")
	flag.Parse()
	if *service == "" || *apiService == "" || *directory == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(64)
	}
	if err := run(*service, *apiService, *directory); err != nil {
		fmt.Fprintln(os.Stderr, "serving-certificate:", err)
		os.Exit(1)
	}
}

func run(service, apiService, directory string) error {
	certificate, key, err := selfSigned(service + ".svc")
	if err != nil {
		return err
	}
	if err := keep(directory, certificate, key); err != nil {
		return err
	}
	deadline := time.Now().Add(patchWithin)
	for {
		err := trust(apiService, certificate)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		fmt.Fprintln(os.Stderr, "serving-certificate:", err, "(trying again)")
		time.Sleep(retryEvery)
	}
}

// keep writes both where the server reads them. Over an earlier attempt's, too: the kubelet runs this again in the same pod
// when it failed, and files that not even their owner may write would make every further attempt fail.
func keep(directory string, certificate, key []byte) error {
	for name, content := range map[string][]byte{"tls.crt": certificate, "tls.key": key} {
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// selfSigned returns a certificate for host and its key, both as PEM.
func selfSigned(host string) (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: host},
		DNSNames:     []string{host},
		NotBefore:    time.Now().Add(-time.Hour), // clocks of nodes differ
		NotAfter:     time.Now().Add(validFor),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return nil, nil, err
	}
	encoded, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
	key = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded})
	return certificate, key, nil
}

// trust makes certificate the only one the API server accepts from the server behind apiService.
func trust(apiService string, certificate []byte) error {
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"caBundle": certificate}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	url := config.Host + "/apis/apiregistration.k8s.io/v1/apiservices/" + apiService + "?fieldManager=serving-certificate"
	request, err := http.NewRequestWithContext(ctx, http.MethodPatch, url, bytes.NewReader(patch))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/merge-patch+json")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 300))
		return fmt.Errorf("patching APIService %s: %s: %s", apiService, answer.Status, said)
	}
	return nil
}
