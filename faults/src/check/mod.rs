//! Every check, in the order of its number. A new one is an entry of its module's `FAULTS`.

mod alerts;
mod bodies;
mod disk;
mod engine;
mod kill;
mod neighbour;
mod network;
mod poison;
mod tails;

use crate::lab::Lab;
use anyhow::Result;
use futures::future::LocalBoxFuture;

/// A fault, and the check that makes it. What a check gives is what was done and reached, for the page.
#[derive(Clone, Copy)]
pub struct Fault {
    pub id: &'static str,
    pub name: &'static str,
    pub run: for<'a> fn(&'a Lab) -> LocalBoxFuture<'a, Result<String>>,
}

pub fn all() -> Vec<Fault> {
    let modules = [
        kill::FAULTS,
        alerts::database::FAULTS,
        alerts::mail::FAULTS,
        alerts::nodes::FAULTS,
        alerts::clock::FAULTS,
        disk::FAULTS,
        engine::FAULTS,
        neighbour::FAULTS,
        poison::FAULTS,
        bodies::FAULTS,
        tails::FAULTS,
        network::FAULTS,
    ];
    let mut all: Vec<Fault> = modules.into_iter().flatten().copied().collect();
    all.sort_by_key(|fault| fault.id);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_a_number_of_its_own() {
        let ids: Vec<&str> = all().iter().map(|fault| fault.id).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    }
}
