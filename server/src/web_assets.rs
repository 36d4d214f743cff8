//! The built web UI, inside the binary (a debug build reads `web/dist`).
//!
//! Names under `assets/` carry a hash of what is in them, so browsers keep those for ever; everything else is asked for again.
//! What is no file and no API is a page of the client-side application, for browsers only: programs get the 404 of the API.
//! Files are compressed when they are built, not when they are asked for.

use crate::error::{ApiError, Refused};
use actix_web::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH,
    VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use rust_embed::{EmbeddedFile, RustEmbed};
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Built;

const INDEX: &str = "index.html";
const NOT_BUILT: &str = "<!doctype html><title>Cordwood</title><p>The API is up, but this server was built without the web UI. \
    Run <code>cargo xtask web</code>, then build the server again.</p>";

/// Answers what no other route takes.
///
/// # Errors
/// 404 for what is neither a file of the UI nor asked for by a browser.
pub async fn serve(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let header = |name: HeaderName| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let path = request.path().trim_start_matches('/');
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Refused::not_found().into());
    }
    let encodings = header(ACCEPT_ENCODING);
    if let Some(file) = find(path, encodings, Built::get) {
        return Ok(file.answer(path, header(IF_NONE_MATCH)));
    }
    if !is_page(path) || !header(ACCEPT).contains("text/html") {
        return Err(Refused::not_found().into());
    }
    Ok(match find(INDEX, encodings, Built::get) {
        Some(index) => index.answer(INDEX, header(IF_NONE_MATCH)),
        None => HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE)
            .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
            .body(NOT_BUILT),
    })
}

/// Whether the path may be one of the application's own pages.
fn is_page(path: &str) -> bool {
    !["api", "assets"].contains(&path.split('/').next().unwrap_or_default())
}

/// A file in the form in which the browser likes it best.
struct Found {
    file: EmbeddedFile,
    encoding: Option<&'static str>,
}

fn find(path: &str, encodings: &str, get: impl Fn(&str) -> Option<EmbeddedFile>) -> Option<Found> {
    let is_private = path.split('/').any(|part| part.starts_with('.'));
    if path.is_empty() || is_private || path.ends_with(".br") || path.ends_with(".gz") {
        return None;
    }
    for (encoding, suffix) in [("br", ".br"), ("gzip", ".gz")] {
        if accepts(encodings, encoding)
            && let Some(file) = get(&format!("{path}{suffix}"))
        {
            return Some(Found { file, encoding: Some(encoding) });
        }
    }
    get(path).map(|file| Found { file, encoding: None })
}

/// Whether `Accept-Encoding` names this encoding and does not rule it out with `q=0`.
fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|each| {
        let (name, parameters) = each.split_once(';').unwrap_or((each, ""));
        let quality = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        name.trim().eq_ignore_ascii_case(encoding) && quality.is_ok_and(|quality| quality > 0.0)
    })
}

impl Found {
    fn answer(self, path: &str, if_none_match: &str) -> HttpResponse {
        let hash: String =
            self.file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let tag = format!("\"{hash}\"");
        let unchanged = if_none_match.split(',').any(|each| each.trim().trim_start_matches("W/") == tag);
        let caching =
            if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        let status = if unchanged { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        let mut answer = HttpResponse::build(status);
        answer
            .insert_header((CACHE_CONTROL, caching))
            .insert_header((ETAG, tag))
            .insert_header((VARY, "Accept-Encoding"));
        if unchanged {
            return answer.finish();
        }
        if let Some(encoding) = self.encoding {
            answer.insert_header((CONTENT_ENCODING, encoding));
        }
        answer.insert_header((CONTENT_TYPE, content_type(path))).body(match self.file.data {
            Cow::Borrowed(embedded) => Bytes::from_static(embedded),
            Cow::Owned(read) => Bytes::from(read),
        })
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_embed::Metadata;

    fn built(path: &str) -> Option<EmbeddedFile> {
        let files = [
            "index.html",
            "index.html.br",
            "assets/app-1.js",
            "assets/app-1.js.br",
            "assets/app-1.js.gz",
            ".inputs",
        ];
        files.contains(&path).then(|| EmbeddedFile {
            data: Cow::Owned(path.as_bytes().to_vec()),
            metadata: Metadata::__rust_embed_new([7; 32], None, None),
        })
    }

    fn encoding(path: &str, accepted: &str) -> Option<Option<&'static str>> {
        find(path, accepted, built).map(|found| found.encoding)
    }

    #[test]
    fn the_smallest_form_that_the_browser_accepts_is_sent() {
        assert_eq!(encoding("assets/app-1.js", "gzip, deflate, br, zstd"), Some(Some("br")));
        assert_eq!(encoding("assets/app-1.js", "gzip, br;q=0"), Some(Some("gzip")));
        assert_eq!(encoding("assets/app-1.js", "GZIP;q=0.5"), Some(Some("gzip")));
        assert_eq!(encoding("assets/app-1.js", ""), Some(None));
        assert_eq!(encoding("index.html", "gzip"), Some(None), "there is no such form of it");
    }

    #[test]
    fn only_files_of_the_ui_are_served() {
        for path in ["", ".inputs", "assets/app-1.js.br", "../Cargo.toml", "assets/missing.js"] {
            assert_eq!(encoding(path, "br"), None, "{path}");
        }
        assert!(is_page("explore") && is_page("") && is_page("alerts/rules/1") && is_page("apis"));
        assert!(!is_page("api/v1/nothing") && !is_page("api") && !is_page("assets/missing.js"));
    }

    #[test]
    fn hashed_names_are_kept_for_ever_and_the_page_is_asked_for_again() {
        let header =
            |answer: &HttpResponse, name| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
        let asset = find("assets/app-1.js", "br", built).unwrap().answer("assets/app-1.js", "");
        assert_eq!(header(&asset, CACHE_CONTROL), "public, max-age=31536000, immutable");
        assert_eq!(header(&asset, CONTENT_TYPE), "text/javascript; charset=utf-8");
        let page = find(INDEX, "", built).unwrap().answer(INDEX, "");
        assert_eq!(header(&page, CACHE_CONTROL), "no-cache");
        let again = find(INDEX, "", built).unwrap().answer(INDEX, &header(&page, ETAG));
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
}
