//! The certificate for syslog over TLS.

use crate::config::Settings;
use crate::tls;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

#[derive(Clone)]
pub struct Certificate {
    acceptor: TlsAcceptor,
    files: tls::Certificate,
}

impl Certificate {
    /// The one of the settings, if there is one.
    ///
    /// # Errors
    /// When only half of it is configured, or a file is not what it should be.
    pub fn of(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let (chain, key) = (&settings.syslog_certificate, &settings.syslog_certificate_key);
        let files = tls::Certificate::of("syslog_certificate", chain, key)?;
        Ok(files.map(|files| Self { acceptor: TlsAcceptor::from(Arc::new(files.config())), files }))
    }

    pub fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// The files, to be read again when they change.
    pub fn files(&self) -> tls::Certificate {
        self.files.clone()
    }
}
