//! The data of an INSERT: the request body, decompressed and read on the statement's own thread.

use std::io::{self, Read};

use axum::extract::Request;
use axum::http::header;
use futures::{StreamExt, TryStreamExt};
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::error::EngineError;

pub struct InsertData {
    plain: Box<dyn Read + Send>,
    encoding: Encoding,
}

enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl InsertData {
    pub fn from_body(request: Request) -> Result<Self, EngineError> {
        let header = request.headers().get(header::CONTENT_ENCODING).map(|value| value.as_bytes().to_vec());
        let encoding = match header.as_deref() {
            None | Some(b"" | b"identity") => Encoding::Identity,
            Some(b"gzip") => Encoding::Gzip,
            Some(b"zstd") => Encoding::Zstd,
            Some(other) => {
                let text = "is not known; send 'zstd', 'gzip' or plain data";
                let name = String::from_utf8_lossy(other);
                return Err(EngineError::bad_request(&format!("'Content-Encoding: {name}' {text}")));
            }
        };
        let pieces = request.into_body().into_data_stream().map_err(io::Error::other);
        let plain = SyncIoBridge::new(StreamReader::new(pieces.boxed()));
        Ok(Self { plain: Box::new(plain), encoding })
    }

    /// A reader of the plain data. It blocks, and so does this call: some decoders read their header at once.
    pub fn into_reader(self) -> io::Result<Box<dyn Read>> {
        Ok(match self.encoding {
            Encoding::Identity => self.plain,
            Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(self.plain)),
            Encoding::Zstd => Box::new(zstd::stream::read::Decoder::new(self.plain)?),
        })
    }
}

/// Reads until the buffer is full or the data ends: few large pieces cost the engine less than many small ones.
pub fn fill(data: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match data.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
