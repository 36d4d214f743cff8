//! cordwood-server as a library, so that the binary stays thin and tests can reach the parts.
//!
//! `startup::run` starts everything in order and ends it in the reverse one; `app::routes` is the whole HTTP surface.

pub mod accounts;
pub mod admin;
pub mod alerts;
pub mod app;
pub mod audit;
pub mod auth;
pub mod client;
pub mod config;
pub mod db;
pub mod email;
pub mod erasure;
pub mod error;
pub mod http_head;
pub mod ingest;
pub mod logstore;
pub mod masking;
pub mod openapi;
pub mod outbound;
pub mod route_table;
pub mod runtime;
pub mod saved_searches;
pub mod sealing;
pub mod search;
pub mod shutdown;
pub mod sight;
pub mod startup;
pub mod tail;
pub mod telemetry;
pub mod tenant;
pub mod time;
pub mod usage;
pub mod web_assets;
