//! What the server refuses to start with, beside what the settings alone can tell: keys that others on the machine can read, a
//! clock that cannot be right, a debug build that strangers can reach. Other checks stand where the thing is opened: the lock on the
//! data folder in the write-ahead log, the log store's own settings in `logstore::schema`, the kept keys in `auth`.

use crate::config::Settings;
use anyhow::{Context, ensure};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Clocks of the machine that built this and of the one that runs it may differ.
const CLOCKS_DIFFER: Duration = Duration::from_secs(24 * 60 * 60);

/// # Errors
/// What is not safe, and what to do about it.
pub fn check(settings: &Settings) -> anyhow::Result<()> {
    for key in [&settings.tls_certificate_key, &settings.syslog_certificate_key] {
        if !key.as_os_str().is_empty() {
            refuse_open_key(key)?;
        }
    }
    refuse_wrong_clock(SystemTime::now(), built_at())?;
    let is_reachable = !settings.listen.ip().is_loopback();
    refuse_debug_build(cfg!(debug_assertions), is_reachable && !settings.allow_plain_http)?;
    warn_of_plain_text(settings);
    Ok(())
}

fn refuse_open_key(key: &Path) -> anyhow::Result<()> {
    let mode =
        std::fs::metadata(key).with_context(|| format!("cannot read {}", key.display()))?.permissions();
    ensure!(mode.mode() & 0o007 == 0, "{} can be read by everybody here: run chmod o= on it", key.display());
    Ok(())
}

/// Sessions, certificates and retention go by the clock.
fn refuse_wrong_clock(now: SystemTime, built_at: SystemTime) -> anyhow::Result<()> {
    let is_possible = now.checked_add(CLOCKS_DIFFER).is_some_and(|now| now >= built_at);
    ensure!(
        is_possible,
        "the clock of this machine is wrong: it is before the day on which this program was built"
    );
    Ok(())
}

fn built_at() -> SystemTime {
    let seconds = env!("BUILT_AT_S").parse().expect("the build script writes a number");
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn refuse_debug_build(is_debug: bool, is_reachable: bool) -> anyhow::Result<()> {
    ensure!(
        !(is_debug && is_reachable),
        "this is a debug build: it listens on loopback only. Build it with --release"
    );
    Ok(())
}

/// Keys that come this way can be read on the way; whether that matters, only the operator knows.
fn warn_of_plain_text(settings: &Settings) {
    let grpc = if settings.has_certificate() { Ok(None) } else { settings.otlp_grpc() };
    for (name, address) in [("otlp_grpc_listen", grpc), ("syslog_listen", settings.syslog())] {
        if let Ok(Some((address, _))) = address
            && !address.ip().is_loopback()
        {
            tracing::warn!(%address, "{name} is no loopback address and takes plain text: keep it inside your own network");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_everybody_can_read_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, is_fine) in [(0o600, true), (0o640, true), (0o644, false), (0o604, false)] {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(refuse_open_key(file.path()).is_ok(), is_fine, "{mode:o}");
        }
        assert!(refuse_open_key(Path::new("/nowhere/key.pem")).is_err());
    }

    #[test]
    fn a_clock_before_the_build_is_refused() {
        let built = built_at();
        assert!(refuse_wrong_clock(SystemTime::now(), built).is_ok());
        assert!(refuse_wrong_clock(built - Duration::from_secs(3600), built).is_ok());
        assert!(refuse_wrong_clock(built - Duration::from_secs(48 * 3600), built).is_err());
    }

    #[test]
    fn a_debug_build_is_for_this_machine_only() {
        assert!(refuse_debug_build(true, false).is_ok());
        assert!(refuse_debug_build(false, true).is_ok());
        assert!(refuse_debug_build(true, true).is_err());
    }
}
