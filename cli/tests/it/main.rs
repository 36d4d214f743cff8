//! `cordwood` as people and scripts run it: the program itself, piped and on a terminal.

mod corpus;
mod query;
mod run;
