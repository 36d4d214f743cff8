//! Reads a request body, bounded: so many bytes as they come, so many decoded, one layer of encoding, and not too slowly.
//!
//! There is no rule on ratios: honest logs compress 400 times. The absolute caps bound what a body can cost.

use crate::error::{Problem, ProblemKind};
use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};
use actix_web::web::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use futures::{Stream, StreamExt};
use std::io::{self, Read};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How large and how slow a body may be.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    pub encoded_bytes: usize,
    pub decoded_bytes: usize,
    /// Nothing may pass without a byte for so long.
    pub idle: Duration,
    /// From then on a body has to come with at least `slowest_bytes_per_second`.
    pub patience: Duration,
    pub slowest_bytes_per_second: u64,
    pub whole: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            encoded_bytes: 8 << 20,
            decoded_bytes: 20 << 20,
            idle: Duration::from_secs(10),
            patience: Duration::from_secs(10),
            slowest_bytes_per_second: 1024,
            whole: Duration::from_secs(60),
        }
    }
}

/// Windows of zstd up to this many bits: what every level but the "ultra" ones uses.
const ZSTD_WINDOW_BITS: u32 = 24;

#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the body is larger than {limit} bytes as it is sent; send smaller batches")]
    TooLarge { limit: usize },
    #[error("the body is larger than {limit} bytes when decoded; send smaller batches")]
    TooLargeDecoded { limit: usize },
    #[error("the body is not valid {encoding}: {detail}")]
    Broken { encoding: &'static str, detail: String },
    #[error("the encoding `{0}` is not understood; send gzip, deflate, zstd, snappy or none")]
    UnknownEncoding(String),
    #[error("more than one encoding: send the body encoded once")]
    SeveralEncodings,
    #[error("the body came too slowly")]
    TooSlow,
    #[error("the connection ended inside the body")]
    Cut,
}

impl Problem for BodyError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::TooLarge { .. } | Self::TooLargeDecoded { .. } => ProblemKind::TooLarge("body_too_large"),
            Self::Broken { .. } => ProblemKind::BadRequest("broken_encoding"),
            Self::UnknownEncoding(_) => ProblemKind::UnsupportedMediaType("unknown_encoding"),
            Self::SeveralEncodings => ProblemKind::UnsupportedMediaType("several_encodings"),
            Self::TooSlow => ProblemKind::BadRequest("body_too_slow"),
            Self::Cut => ProblemKind::BadRequest("body_cut"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Zstd,
    Snappy,
}

impl Encoding {
    /// What `Content-Encoding` says.
    ///
    /// # Errors
    /// For an encoding that is not understood, and for more than one.
    pub fn of(headers: &HeaderMap) -> Result<Self, BodyError> {
        let mut encoding = Self::Identity;
        for value in headers.get_all(CONTENT_ENCODING) {
            let value = value.to_str().map_err(|_| BodyError::UnknownEncoding("?".into()))?;
            for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                let next = Self::named(name)?;
                if next == Self::Identity {
                    continue;
                }
                if encoding != Self::Identity {
                    return Err(BodyError::SeveralEncodings);
                }
                encoding = next;
            }
        }
        Ok(encoding)
    }

    fn named(name: &str) -> Result<Self, BodyError> {
        match name.to_ascii_lowercase().as_str() {
            "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            "zstd" => Ok(Self::Zstd),
            "snappy" | "x-snappy" | "x-snappy-framed" => Ok(Self::Snappy),
            other => Err(BodyError::UnknownEncoding(other.chars().take(40).collect())),
        }
    }
}

/// Reads a body as it comes.
///
/// # Errors
/// When it is too large, too slow, or cut.
pub async fn collect<E>(
    stream: impl Stream<Item = Result<Bytes, E>>,
    limits: &BodyLimits,
) -> Result<Vec<u8>, BodyError> {
    let mut stream = std::pin::pin!(stream);
    let (begin, mut body) = (Instant::now(), Vec::new());
    loop {
        let deadline =
            (Instant::now() + limits.idle).min(begin + limits.whole).min(begin + allowance(&body, limits));
        let chunk = match timeout_at(deadline, stream.next()).await {
            Ok(Some(chunk)) => chunk.map_err(|_| BodyError::Cut)?,
            Ok(None) => return Ok(body),
            Err(_) => return Err(BodyError::TooSlow),
        };
        if body.len() + chunk.len() > limits.encoded_bytes {
            return Err(BodyError::TooLarge { limit: limits.encoded_bytes });
        }
        body.extend_from_slice(&chunk);
    }
}

/// How long a body may have taken that has come so far.
fn allowance(body: &[u8], limits: &BodyLimits) -> Duration {
    limits.patience + Duration::from_secs(body.len() as u64 / limits.slowest_bytes_per_second.max(1))
}

/// Takes one layer of encoding off.
///
/// # Errors
/// When the bytes are not of that encoding, or decode to more than `limit` bytes.
pub fn decode(encoded: Vec<u8>, encoding: Encoding, limit: usize) -> Result<Vec<u8>, BodyError> {
    match encoding {
        Encoding::Identity => Ok(encoded),
        // An empty body is no logs, whatever its label.
        _ if encoded.is_empty() => Ok(encoded),
        Encoding::Gzip => inflate(MultiGzDecoder::new(&encoded[..]), "gzip", limit),
        Encoding::Deflate if is_zlib(&encoded) => inflate(ZlibDecoder::new(&encoded[..]), "deflate", limit),
        Encoding::Deflate => inflate(DeflateDecoder::new(&encoded[..]), "deflate", limit),
        Encoding::Zstd => unpack_zstd(&encoded, limit),
        Encoding::Snappy => unpack_snappy(&encoded, limit),
    }
}

/// "deflate" means zlib, and some clients leave the zlib header out.
fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..] if first & 0x0F == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0)
}

fn inflate(reader: impl Read, encoding: &'static str, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut decoded = Vec::new();
    let broken = |error: io::Error| BodyError::Broken { encoding, detail: error.to_string() };
    reader.take(limit as u64 + 1).read_to_end(&mut decoded).map_err(broken)?;
    if decoded.len() > limit {
        return Err(BodyError::TooLargeDecoded { limit });
    }
    Ok(decoded)
}

fn unpack_zstd(encoded: &[u8], limit: usize) -> Result<Vec<u8>, BodyError> {
    let broken = |error: io::Error| BodyError::Broken { encoding: "zstd", detail: error.to_string() };
    let mut decoder = zstd::Decoder::with_buffer(encoded).map_err(broken)?;
    decoder.window_log_max(ZSTD_WINDOW_BITS).map_err(broken)?;
    inflate(decoder, "zstd", limit)
}

/// Both forms are in use: framed, which begins with its name, and the bare block, which begins with its length.
fn unpack_snappy(encoded: &[u8], limit: usize) -> Result<Vec<u8>, BodyError> {
    if encoded.starts_with(b"\xff\x06\x00\x00sNaPpY") {
        return inflate(snap::read::FrameDecoder::new(encoded), "snappy", limit);
    }
    let broken = |error: snap::Error| BodyError::Broken { encoding: "snappy", detail: error.to_string() };
    if snap::raw::decompress_len(encoded).map_err(broken)? > limit {
        return Err(BodyError::TooLargeDecoded { limit });
    }
    snap::raw::Decoder::new().decompress_vec(encoded).map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use futures::stream;
    use std::io::Write;

    const TEXT: &[u8] = b"{\"message\":\"one\"}\n{\"message\":\"two\"}\n";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn every_encoding(bytes: &[u8]) -> Vec<(Encoding, Vec<u8>)> {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(bytes).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(bytes).unwrap();
        let mut framed = snap::write::FrameEncoder::new(Vec::new());
        framed.write_all(bytes).unwrap();
        vec![
            (Encoding::Identity, bytes.to_vec()),
            (Encoding::Gzip, gzip(bytes)),
            (Encoding::Deflate, zlib.finish().unwrap()),
            (Encoding::Deflate, raw.finish().unwrap()),
            (Encoding::Zstd, zstd::encode_all(bytes, 19).unwrap()),
            (Encoding::Snappy, framed.into_inner().unwrap()),
            (Encoding::Snappy, snap::raw::Encoder::new().compress_vec(bytes).unwrap()),
        ]
    }

    #[test]
    fn every_encoding_is_taken_off() {
        for (encoding, bytes) in every_encoding(TEXT) {
            assert_eq!(decode(bytes, encoding, 1000).unwrap(), TEXT, "{encoding:?}");
        }
    }

    #[test]
    fn a_bomb_is_refused_at_the_cap() {
        for (encoding, bytes) in every_encoding(&vec![0; 30 << 20]).into_iter().skip(1) {
            let answer = decode(bytes, encoding, 20 << 20);
            assert!(matches!(answer, Err(BodyError::TooLargeDecoded { .. })), "{encoding:?}");
        }
    }

    #[test]
    fn a_cut_or_wrong_body_is_broken() {
        for (encoding, bytes) in every_encoding(&TEXT.repeat(50)).into_iter().skip(1) {
            let half = bytes[..bytes.len() / 2].to_vec();
            assert!(matches!(decode(half, encoding, 1 << 20), Err(BodyError::Broken { .. })), "{encoding:?}");
        }
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            assert!(matches!(decode(TEXT.to_vec(), encoding, 1000), Err(BodyError::Broken { .. })));
        }
    }

    #[test]
    fn members_of_gzip_follow_each_other() {
        let both = [gzip(b"one\n"), gzip(b"two\n")].concat();
        assert_eq!(decode(both, Encoding::Gzip, 100).unwrap(), b"one\ntwo\n");
    }

    #[test]
    fn one_known_encoding_is_taken_and_nothing_else() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| headers.append(CONTENT_ENCODING, value.parse().unwrap()));
            Encoding::of(&headers)
        };
        assert_eq!(of(&[]).unwrap(), Encoding::Identity);
        assert_eq!(of(&["GZIP"]).unwrap(), Encoding::Gzip);
        assert_eq!(of(&["identity, zstd"]).unwrap(), Encoding::Zstd);
        assert!(matches!(of(&["gzip, gzip"]), Err(BodyError::SeveralEncodings)));
        assert!(matches!(of(&["gzip", "zstd"]), Err(BodyError::SeveralEncodings)));
        assert!(matches!(of(&["br"]), Err(BodyError::UnknownEncoding(name)) if name == "br"));
    }

    fn chunks(count: usize, bytes: usize) -> impl Stream<Item = Result<Bytes, ()>> {
        stream::iter((0..count).map(move |_| Ok(Bytes::from(vec![b'x'; bytes]))))
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_cap() {
        let limits = BodyLimits { encoded_bytes: 1000, ..BodyLimits::default() };
        assert_eq!(collect(chunks(10, 100), &limits).await.unwrap().len(), 1000);
        let answer = collect(chunks(11, 100), &limits).await;
        assert!(matches!(answer, Err(BodyError::TooLarge { limit: 1000 })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_or_trickles_is_given_up() {
        let limits = BodyLimits::default();
        let silent = chunks(1, 10).chain(stream::pending());
        assert!(matches!(collect(silent, &limits).await, Err(BodyError::TooSlow)));

        let begin = Instant::now();
        let trickle = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, ()>(Bytes::from_static(b"x")), ()))
        });
        assert!(matches!(collect(trickle, &limits).await, Err(BodyError::TooSlow)));
        assert!(begin.elapsed() < Duration::from_secs(12));
    }

    #[tokio::test]
    async fn a_connection_that_ends_early_is_told_from_the_end() {
        let cut = chunks(1, 10).chain(stream::iter([Err(())]));
        assert!(matches!(collect(cut, &BodyLimits::default()).await, Err(BodyError::Cut)));
    }
}
