package docker

import (
	"crypto/tls"
	"net/http"
	"time"

	"github.com/moby/moby/client"
)

// insecureTLS encrypts without knowing who answers: what a person gets who sets
// DOCKER_CERT_PATH without DOCKER_TLS_VERIFY, or a context with SkipTLSVerify.
func insecureTLS(certFile, keyFile string) client.Opt {
	cfg := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	if certFile != "" && keyFile != "" {
		// Loaded at the handshake, so that a broken file is the connection's error.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(certFile, keyFile)
			return &cert, err
		}
	}
	return client.WithHTTPClient(&http.Client{
		Transport:     &http.Transport{TLSClientConfig: cfg, MaxIdleConns: 6, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: client.CheckRedirect,
	})
}
