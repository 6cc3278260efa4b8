//! TLS to the database: rustls with *ring*. The server must prove that it is the host that was named.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::PostgresError;
use super::address::Tls;

fn cannot(path: &Path, err: impl std::fmt::Display) -> PostgresError {
    PostgresError::Address(format!("could not read `{}`: {err}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PostgresError> {
    let found = CertificateDer::pem_file_iter(path).map_err(|err| cannot(path, err))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|err| cannot(path, err))?;
    if found.is_empty() {
        return Err(cannot(path, "it has no certificate"));
    }
    Ok(found)
}

/// Makes connections as these settings say.
pub(super) fn connector(tls: &Tls) -> Result<MakeRustlsConnect, PostgresError> {
    let broken = |err: rustls::Error| PostgresError::Address(format!("TLS cannot be set up: {err}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(broken)?;
    let builder = match &tls.root {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|err| cannot(path, err))?;
            }
            builder.with_root_certificates(roots)
        }
        None => builder.with_platform_verifier().map_err(broken)?,
    };
    let config = match &tls.own {
        Some((cert, key)) => {
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|err| cannot(key, err))?;
            builder
                .with_client_auth_cert(certificates(cert)?, secret)
                .map_err(broken)?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}
