//! The search language: text to tree to ClickHouse SQL, and the same tree over one event.
//!
//! Pure: no clock, no threads, no I/O; `now` is always a parameter, so that the server and the browser agree.
//!
//! ```text
//! parse(source) -> Result<Parsed, Diagnostic>                        text to tree; Parsed { query, warnings }
//! check(&query, &Catalogue, &CheckContext) -> Result<Checked, Diagnostic>
//!     names, levels, times, units, shapes: see `ast`.
//!     CheckContext { now_ns, from_ns, to_ns, time_zone: jiff::tz::TimeZone }
//!     Checked { query: ast::Query, from_ns, to_ns (request range cut by top-level time terms), fields, warnings }
//! format(&query) -> String                                           canonical text
//! tokens(source) -> Vec<Token>                                       colours, also of half-typed text
//! complete(source, cursor, &Catalogue) -> Completion
//! edit(source, &Edit) -> Result<String, Diagnostic>                  a click becomes a change of the text
//! row_rule(source, &CheckContext) -> Result<Filter, Diagnostic>      what somebody may read at all, for `sql::Scope`
//! explain(&query) -> String                                          one sentence
//! translate(source) -> Option<Translation>                           from other systems' languages
//! ```

pub mod ast;
mod build;
mod catalogue;
mod check;
mod complete;
mod diagnostic;
mod edit;
pub mod eval;
mod explain;
mod format;
mod lexical;
pub mod limits;
mod literal;
pub mod network;
pub mod quote;
pub mod re2;
mod row_rule;
mod span;
pub mod sql;
mod stage_docs;
mod suggest;
mod token;
mod translate;
mod walk;

pub use build::{Parsed, parse};
pub use catalogue::{Catalogue, KnownField, KnownTable, KnownValue};
pub use check::{CheckContext, Checked, check};
pub use complete::{Completion, CompletionItem, CompletionKind, complete};
pub use diagnostic::{Code, Diagnostic, Fix, Severity, TextEdit};
pub use edit::{Edit, Term, TermView, edit, terms};
pub use explain::explain;
pub use format::format;
pub use literal::words;
pub use row_rule::row_rule;
pub use span::Span;
pub use stage_docs::{OptionDoc, STAGES, StageDoc};
pub use suggest::nearest;
pub use token::{Token, TokenClass, tokens};
pub use translate::{Language, Translation, translate, translate_from};
