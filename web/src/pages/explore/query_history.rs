//! The queries run on this browser, for the arrow keys in the query bar and the history.

use crate::browser;

const KEY: &str = "cordwood.queries";
const KEPT: usize = 300;

pub fn remember(query: &str) {
    if query.is_empty() {
        return;
    }
    keep(&with(past(), query));
}

/// Lets go of one; answers those that are left.
pub fn forget(query: &str) -> Vec<String> {
    let mut queries = past();
    queries.retain(|known| known != query);
    keep(&queries);
    queries
}

fn keep(queries: &[String]) {
    if let Ok(json) = serde_json::to_string(queries) {
        browser::store(KEY, Some(&json));
    }
}

/// Newest first.
pub fn past() -> Vec<String> {
    browser::stored(KEY).and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()
}

fn with(mut queries: Vec<String>, query: &str) -> Vec<String> {
    queries.retain(|known| known != query);
    queries.insert(0, query.to_owned());
    queries.truncate(KEPT);
    queries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_first_and_none_is_there_twice() {
        let queries = with(with(with(Vec::new(), "a"), "b"), "a");
        assert_eq!(queries, ["a", "b"]);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let queries = (0..310).fold(Vec::new(), |queries, number| with(queries, &number.to_string()));
        assert_eq!((queries.len(), queries[0].as_str()), (KEPT, "309"));
    }
}
