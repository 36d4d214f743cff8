//! The certificate for syslog over TLS.

use crate::config::Settings;
use anyhow::{Context, bail};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

#[derive(Clone)]
pub struct Certificate(TlsAcceptor);

impl Certificate {
    /// The one of the settings, if there is one.
    ///
    /// # Errors
    /// When only half of it is configured, or a file is not what it should be.
    pub fn of(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let (chain, key) = (&settings.syslog_certificate, &settings.syslog_certificate_key);
        match (chain.as_os_str().is_empty(), key.as_os_str().is_empty()) {
            (true, true) => Ok(None),
            (false, false) => Self::read(chain, key).map(Some),
            _ => bail!("syslog_certificate and syslog_certificate_key are set together"),
        }
    }

    fn read(chain: &Path, key: &Path) -> anyhow::Result<Self> {
        let unreadable = |path: &Path| format!("cannot read {} as PEM", path.display());
        let chain: Vec<_> = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect)
            .with_context(|| unreadable(chain))?;
        let key = PrivateKeyDer::from_pem_file(key).with_context(|| unreadable(key))?;
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .context("the certificate and the key for syslog do not fit together")?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub fn acceptor(&self) -> &TlsAcceptor {
        &self.0
    }
}
