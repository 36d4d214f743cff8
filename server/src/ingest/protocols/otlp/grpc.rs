//! OTLP over gRPC, on a port of its own: the one method that exporters of logs call.
//!
//! Messages are handed on as bytes, so that they are read where those of HTTP are. Runs on the main runtime. With the certificate
//! of the server it speaks TLS, and nothing else.

use super::http::code;
use super::{Form, take};
use crate::auth::{Auth, IngestKey};
use crate::error::{ApiError, Told};
use crate::ingest::Ingest;
use crate::ingest::arrival::Arrival;
use crate::ingest::protocols::noted;
use crate::shutdown::Shutdown;
use crate::tls::Certificate;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use futures::{Stream, StreamExt};
use prost::Message;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::body::Body;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, Service, http};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::server::{Grpc, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

const METHOD: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
/// What OpenTelemetry's own collector takes.
const MESSAGE_BYTES: usize = 4 << 20;
const REQUEST: Duration = Duration::from_secs(60);
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Connections that shake hands at once; more wait to be accepted.
const HANDSHAKES: usize = 1024;

/// Serves until the shutdown; tells the address.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn start(
    listen: SocketAddr,
    certificate: Option<&Certificate>,
    (ingest, auth): (Ingest, Auth),
    shutdown: &Shutdown,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let stop = shutdown.token().cancelled_owned();
    let acceptor = certificate.map(acceptor);
    shutdown.spawn(async move {
        let server = tonic::transport::Server::builder()
            .timeout(REQUEST)
            .http2_keepalive_interval(Some(Duration::from_secs(60)));
        let logs = Logs { ingest, auth };
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let served = match acceptor {
            Some(acceptor) => {
                server.serve_with_incoming_shutdown(logs, encrypted(incoming, acceptor), stop).await
            }
            None => server.serve_with_incoming_shutdown(logs, incoming, stop).await,
        };
        if let Err(error) = served {
            tracing::error!(%error, "OTLP over gRPC ended");
        }
    });
    Ok(address)
}

fn acceptor(certificate: &Certificate) -> TlsAcceptor {
    let mut config = certificate.config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// Those of the connections that shake hands in time.
fn encrypted(
    incoming: TcpIncoming,
    acceptor: TlsAcceptor,
) -> impl Stream<Item = std::io::Result<TlsStream<TcpStream>>> {
    let shaken = incoming.map(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let stream = match stream {
                Ok(stream) => stream,
                Err(error) => return Some(Err(error)),
            };
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Some(Ok(stream)),
                failed => {
                    tracing::info!(?failed, "closed a connection of OTLP over gRPC: no TLS handshake");
                    None
                }
            }
        }
    });
    shaken.buffer_unordered(HANDSHAKES).filter_map(std::future::ready)
}

#[derive(Clone)]
struct Logs {
    ingest: Ingest,
    auth: Auth,
}

impl Service<http::Request<Body>> for Logs {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let logs = self.clone();
        Box::pin(async move {
            if request.uri().path() != METHOD {
                let told =
                    "only logs are taken here: opentelemetry.proto.collector.logs.v1.LogsService/Export";
                return Ok(Status::unimplemented(told).into_http());
            }
            let mut grpc = Grpc::new(Bytes)
                .accept_compressed(CompressionEncoding::Gzip)
                .accept_compressed(CompressionEncoding::Zstd)
                .max_decoding_message_size(MESSAGE_BYTES);
            Ok(grpc.unary(logs, request).await)
        })
    }
}

impl UnaryService<Vec<u8>> for Logs {
    type Response = Vec<u8>;
    type Future = BoxFuture<Response<Vec<u8>>, Status>;

    fn call(&mut self, request: Request<Vec<u8>>) -> Self::Future {
        let logs = self.clone();
        Box::pin(async move {
            let address =
                request.remote_addr().map(|peer| peer.ip().to_canonical().to_string()).unwrap_or_default();
            let (metadata, _, message) = request.into_parts();
            match logs.export(&metadata, &address, message).await {
                Ok(response) => Ok(Response::new(response)),
                Err(error) => Err(status(&error.told())),
            }
        })
    }
}

impl Logs {
    async fn export(
        &self,
        metadata: &MetadataMap,
        address: &str,
        message: Vec<u8>,
    ) -> Result<Vec<u8>, ApiError> {
        let key = IngestKey::of_headers(&self.auth, &credentials(metadata), address).await?;
        let taken = self.take(key, message).await;
        noted(&self.ingest, Some(key), taken)
    }

    async fn take(&self, key: IngestKey, message: Vec<u8>) -> Result<Vec<u8>, ApiError> {
        let arrival = Arrival::of_bytes(&self.ingest, key, message).await?;
        Ok(take(arrival, Form::Protobuf).await?.encode_to_vec())
    }
}

/// The metadata in which a key may stand.
fn credentials(metadata: &MetadataMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in ["authorization", "x-api-key", "dd-api-key"] {
        if let Some(value) =
            metadata.get(name).and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok())
        {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// `grpc-retry-pushback-ms` tells when to come back.
fn status(told: &Told) -> Status {
    let mut status = Status::new(code(told), told.detail.clone());
    if let Some(seconds) = told.retry_after_s {
        let wait = MetadataValue::from(seconds.saturating_mul(1000));
        status.metadata_mut().insert("grpc-retry-pushback-ms", wait);
    }
    status
}

/// Messages as they are on the wire.
#[derive(Clone, Copy, Debug, Default)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(out, &item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut message = vec![0; bytes::Buf::remaining(bytes)];
        bytes::Buf::copy_to_slice(bytes, &mut message);
        Ok(Some(message))
    }
}
