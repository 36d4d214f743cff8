//! `cordwood` as people and scripts run it: the program itself, piped and on a terminal.

mod agent;
mod canned;
mod corpus;
mod golden;
mod query;
mod receiver;
mod run;
mod server;
mod with_server;
