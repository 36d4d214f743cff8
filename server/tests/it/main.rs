//! Integration tests: the real server program, asked over HTTP, with its own data folder and database.
//!
//! On SQLite by default; on Postgres, each test in a database of its own, when `CORDWOOD_TEST_POSTGRES_URL` names a server.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod harness;
#[path = "../support/mod.rs"]
mod support;

mod admin;
mod alert_channels;
mod alert_conditions;
mod annotations;
mod api_keys;
mod audit;
mod canary;
mod command_line;
mod erasure;
mod invitations;
mod isolation;
mod looking_around;
mod masking;
mod organization;
mod passwords;
mod plans;
mod project_roles;
mod row_rules;
mod saved_searches;
mod searching;
mod second_factor;
mod security;
mod sessions;
mod sign_up;
mod sso;
mod starting;
mod tail;
mod tls;
mod usage;
mod web_ui;
