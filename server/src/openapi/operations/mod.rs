//! What each call is for, what goes in and comes out, and how it may end.

mod accounts;
mod alerts;
mod ingest;
mod search;
mod service;
mod signing_in;

use super::shape::Shape;

pub(super) struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    pub summary: &'static str,
    pub body: Shape,
    pub answer: Shape,
    /// Of the answer when all is well.
    pub status: u16,
    /// Refusals beyond those that follow from the route: see `statuses` in `mod`.
    pub also: &'static [u16],
    /// A refusal that may have another shape than a problem's.
    pub refused_as: Option<(u16, Shape)>,
    pub query: &'static [Parameter],
}

/// A parameter of the address.
pub(super) struct Parameter {
    pub name: &'static str,
    /// A type of JSON Schema.
    pub kind: &'static str,
    pub about: &'static str,
}

const fn text(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, kind: "string", about }
}

const fn whole(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, kind: "integer", about }
}

const fn flag(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, kind: "boolean", about }
}

const PAGE: &[Parameter] =
    &[whole("limit", "Most items of a page."), text("cursor", "The `next_cursor` of the page before.")];

const fn call(method: &'static str, path: &'static str, summary: &'static str) -> Operation {
    Operation {
        method,
        path,
        summary,
        body: Shape::Nothing,
        answer: Shape::Nothing,
        status: 204,
        also: &[],
        refused_as: None,
        query: &[],
    }
}

const fn get(path: &'static str, summary: &'static str, answer: Shape) -> Operation {
    call("GET", path, summary).gives(200, answer)
}

const fn post(path: &'static str, summary: &'static str, body: Shape) -> Operation {
    call("POST", path, summary).takes(body)
}

const fn patch(path: &'static str, summary: &'static str, body: Shape) -> Operation {
    call("PATCH", path, summary).takes(body)
}

const fn put(path: &'static str, summary: &'static str, body: Shape) -> Operation {
    call("PUT", path, summary).takes(body)
}

const fn delete(path: &'static str, summary: &'static str) -> Operation {
    call("DELETE", path, summary)
}

impl Operation {
    const fn takes(self, body: Shape) -> Self {
        Self { body, ..self }
    }

    const fn gives(self, status: u16, answer: Shape) -> Self {
        Self { status, answer, ..self }
    }

    const fn asks(self, query: &'static [Parameter]) -> Self {
        Self { query, ..self }
    }

    const fn refuses(self, status: u16, shape: Shape) -> Self {
        Self { refused_as: Some((status, shape)), ..self }
    }

    const fn also(self, also: &'static [u16]) -> Self {
        Self { also, ..self }
    }
}

/// Of all parts of the API.
pub(super) fn all() -> impl Iterator<Item = &'static Operation> {
    [
        service::OPERATIONS,
        signing_in::OPERATIONS,
        accounts::OPERATIONS,
        ingest::OPERATIONS,
        search::OPERATIONS,
        alerts::OPERATIONS,
    ]
    .into_iter()
    .flatten()
}
