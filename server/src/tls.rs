//! TLS for everything that listens: a certificate from PEM files, read again when the files change.
//!
//! Connections that are open keep the certificate they began with. Files that cannot be read, or do not fit together, are told of
//! in the log, and the certificate that was in use stays.

use anyhow::{Context, bail};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// A certificate that follows its files; copies are the same one.
#[derive(Debug, Clone)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
}

#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Certificate {
    /// The one that two settings name, if they do.
    ///
    /// # Errors
    /// When only one of them is set, or a file is not what it should be.
    pub fn of(name: &str, chain: &Path, key: &Path) -> anyhow::Result<Option<Self>> {
        match (chain.as_os_str().is_empty(), key.as_os_str().is_empty()) {
            (true, true) => Ok(None),
            (false, false) => Self::read(chain, key).map(Some),
            _ => bail!("{name} and {name}_key are set together"),
        }
    }

    fn read(chain: &Path, key: &Path) -> anyhow::Result<Self> {
        let current = Arc::new(Current(RwLock::new(Arc::new(certified(chain, key)?))));
        Ok(Self { chain: chain.to_owned(), key: key.to_owned(), current })
    }

    /// What a listener needs to know.
    #[must_use]
    pub fn config(&self) -> ServerConfig {
        ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(self.current.clone())
    }

    /// Reads the files again whenever they change, until told to stop.
    pub async fn keep_fresh(self, stop: CancellationToken) {
        let mut seen = self.changed_at();
        loop {
            tokio::select! { () = tokio::time::sleep(LOOK) => {}, () = stop.cancelled() => return }
            let now = self.changed_at();
            if now == seen {
                continue;
            }
            match certified(&self.chain, &self.key) {
                Ok(new) => {
                    *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
                    tracing::info!(certificate = %self.chain.display(), "read the new certificate");
                    seen = now;
                }
                // Looked at again: one of the two files may not be written yet.
                Err(error) => tracing::warn!(error = %format!("{error:#}"), "the certificate in use stays"),
            }
        }
    }

    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        let of = |path: &Path| std::fs::metadata(path).and_then(|data| data.modified()).ok();
        [of(&self.chain), of(&self.key)]
    }
}

fn certified(chain: &Path, key: &Path) -> anyhow::Result<CertifiedKey> {
    let unreadable = |path: &Path| format!("cannot read {} as PEM", path.display());
    let chain: Vec<_> = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect)
        .with_context(|| unreadable(chain))?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| unreadable(key))?;
    CertifiedKey::from_der(chain, key, &default_provider())
        .context("the certificate and its key do not fit together")
}
