package credentials

import (
	"crypto/tls"
	"errors"
	"unique"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Refused reports whether the error of a request says that the server did not accept the credentials (401), or
// was not accepted itself, see [Unverified]. It must be the error of one request, and nothing that user code
// returned: in that, a 401 may be of any server.
func Refused(err error) bool { return apierrors.IsUnauthorized(err) || Unverified(err) }

// Unverified reports whether a request was not sent, since the certificate of the server cannot be verified: the
// certificate authority is another, or one of the two has run out.
func Unverified(err error) bool {
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	return unverified
}

// Mark marks the error of one request, if that was [Refused], as one of the credentials whose, which must be
// comparable. Nothing else of the error changes.
func Mark(whose any, err error) error {
	if err == nil || whose == nil || !Refused(err) {
		return err
	}
	return &refusal{err, whose}
}

// IsMarked reports whether an error is, or wraps, one that was marked for the same credentials.
func IsMarked(whose any, err error) bool {
	return whose != nil && errors.Is(err, &refusal{whose: whose})
}

// refusal is the error of a request whose credentials were refused.
type refusal struct {
	error
	whose any
}

func (r *refusal) Unwrap() error { return r.error }

// Is finds each mark of a tree of errors, whose others may be of other credentials.
func (r *refusal) Is(target error) bool {
	t, ok := target.(*refusal)
	return ok && t.whose == r.whose
}

// identity is a server, and who asks it. It is only compared.
type identity struct {
	host, token, tokenFile, user, password   string
	ca, cert, key, caData, certData, keyData string
	server                                   string
	exec                                     *clientcmdapi.ExecConfig
	auth                                     *clientcmdapi.AuthProviderConfig
}

// Of returns what [Mark] takes for the clients of cfg. It is the same for copies of cfg, whatever they change
// that is not the server or the credentials. What is in it cannot be printed.
func Of(cfg *rest.Config) any {
	return unique.Make(identity{
		host: cfg.Host, token: cfg.BearerToken, tokenFile: cfg.BearerTokenFile, user: cfg.Username, password: cfg.Password,
		ca: cfg.CAFile, cert: cfg.CertFile, key: cfg.KeyFile, server: cfg.ServerName,
		caData: string(cfg.CAData), certData: string(cfg.CertData), keyData: string(cfg.KeyData),
		exec: cfg.ExecProvider, auth: cfg.AuthProvider,
	})
}
