//! The server itself.

use super::super::shape::Shape;
use super::{Operation, get};

pub(super) const OPERATIONS: &[Operation] = &[
    get("/healthz", "Says that the process is up.", Shape::Object),
    get("/readyz", "Says whether what this node needs is up.", Shape::Object).also(&[503]),
    get("/metrics", "Figures for Prometheus.", Shape::Media(&["text/plain"])),
    get("/api/v1/openapi.json", "This document.", Shape::Object),
    get("/api/docs", "This document as a page.", Shape::Media(&["text/html"])),
];
