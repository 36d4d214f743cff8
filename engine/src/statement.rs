//! One statement as it came over HTTP: text, parameters, settings, and how the answer is wanted.

use uuid::Uuid;

use crate::error::EngineError;

/// A statement together with everything that applies to it alone.
#[derive(Debug)]
pub struct Statement {
    pub sql: String,
    /// `{name:Type}` parameters, as text in ClickHouse's escaped form.
    pub parameters: Vec<(String, String)>,
    /// Settings for this statement; names are checked when it runs.
    pub settings: Vec<(String, String)>,
    pub database: Option<String>,
    /// Used when the statement names no format itself.
    pub format: String,
    pub query_id: String,
    /// Answer only when all is done, so that errors and counts are complete.
    pub wait_end_of_query: bool,
}

impl Statement {
    /// Sorts the pairs of the URL (and of a multipart body) into parameters, options and settings.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, EngineError> {
        let mut statement = Self {
            sql: String::new(),
            parameters: Vec::new(),
            settings: Vec::new(),
            database: None,
            format: "TabSeparated".to_owned(),
            query_id: Uuid::new_v4().to_string(),
            wait_end_of_query: false,
        };
        for (name, value) in pairs {
            statement.take(name, value)?;
        }
        Ok(statement)
    }

    fn take(&mut self, name: String, value: String) -> Result<(), EngineError> {
        if let Some(parameter) = name.strip_prefix("param_") {
            self.parameters.push((parameter.to_owned(), value));
            return Ok(());
        }
        match name.as_str() {
            "query" => self.sql = value,
            "database" => self.database = (!value.is_empty()).then_some(value),
            "default_format" => self.format = value,
            "query_id" if value.is_empty() => {}
            "query_id" => self.query_id = value,
            "wait_end_of_query" => self.wait_end_of_query = is_on(&value),
            "user" | "password" | "quota_key" | "buffer_size" => {}
            "compress" | "decompress" if is_on(&value) => {
                return Err(EngineError::bad_request(&format!(
                    "'{name}=1' asks for native compression, which this engine does not speak; \
                     send the data plainly, or with 'Content-Encoding: zstd' or 'gzip'"
                )));
            }
            "compress" | "decompress" => {}
            "session_id" | "session_timeout" | "session_check" | "role" => {
                return Err(EngineError::bad_request(&format!(
                    "'{name}' is not available: every request has a session of its own"
                )));
            }
            _ => self.settings.push((name, value)),
        }
        Ok(())
    }

    /// Whether the rows of this statement come in the request body.
    pub fn is_insert(&self) -> bool {
        first_word(&self.sql).eq_ignore_ascii_case("INSERT")
    }

    /// Splits `… FORMAT x`, or `INSERT … VALUES`, into the statement before and the format.
    pub fn split_format(&self) -> Option<(&str, &str)> {
        let sql = self.sql.trim_end().trim_end_matches(';').trim_end();
        if let Some(before) = strip_last_word(sql, "VALUES") {
            return self.is_insert().then_some((before, "Values"));
        }
        let (before, format) = sql.rsplit_once(char::is_whitespace)?;
        let is_name = !format.is_empty() && format.chars().all(|c| c.is_ascii_alphanumeric());
        Some((strip_last_word(before, "FORMAT")?, format)).filter(|_| is_name)
    }
}

/// The text before `word`, when it ends with that word.
fn strip_last_word<'a>(sql: &'a str, word: &str) -> Option<&'a str> {
    let sql = sql.trim_end();
    let (before, last) = sql.split_at_checked(sql.len().checked_sub(word.len())?)?;
    let is_word =
        last.eq_ignore_ascii_case(word) && before.ends_with(|c: char| c.is_whitespace() || c == ')');
    is_word.then_some(before.trim_end())
}

fn is_on(value: &str) -> bool {
    matches!(value, "1" | "true")
}

fn first_word(sql: &str) -> &str {
    sql.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default()
}

/// The id in `KILL QUERY WHERE query_id = '…'`, which is how clients stop a statement by the id they gave it.
pub fn killed_query_id(sql: &str) -> Option<String> {
    let mut rest = sql.trim().trim_end_matches(';');
    for word in ["KILL", "QUERY", "WHERE", "query_id", "="] {
        let (head, tail) = rest.trim_start().split_at_checked(word.len())?;
        if !head.eq_ignore_ascii_case(word) {
            return None;
        }
        rest = tail;
    }
    let (id, mode) = take_literal(rest.trim_start())?;
    let is_known_mode = ["", "ASYNC", "SYNC"].iter().any(|known| mode.trim().eq_ignore_ascii_case(known));
    is_known_mode.then_some(id)
}

/// A quoted text at the beginning, and what follows it.
fn take_literal(sql: &str) -> Option<(String, &str)> {
    let mut characters = sql.strip_prefix('\'')?.chars();
    let mut text = String::new();
    loop {
        match characters.next()? {
            '\'' => return Some((text, characters.as_str())),
            '\\' => text.push(characters.next()?),
            other => text.push(other),
        }
    }
}

/// A text as an SQL literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// A name as a quoted SQL identifier.
pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('\\', r"\\").replace('`', r"\`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(pairs: &[(&str, &str)]) -> Result<Statement, EngineError> {
        Statement::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn what_is_no_option_and_no_parameter_is_a_setting() {
        let statement = statement(&[("query", "SELECT 1"), ("param_a", "x"), ("max_threads", "1")]).unwrap();
        assert_eq!(statement.parameters, [("a".to_owned(), "x".to_owned())]);
        assert_eq!(statement.settings, [("max_threads".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn sessions_and_native_compression_are_refused_and_not_ignored() {
        assert!(statement(&[("session_id", "s")]).is_err());
        assert!(statement(&[("decompress", "1")]).is_err());
        assert!(statement(&[("decompress", "0")]).is_ok());
    }

    #[test]
    fn the_format_of_an_insert_is_its_last_clause() {
        let format = |sql| {
            let statement = statement(&[("query", sql)]).unwrap();
            statement.split_format().map(|(head, format)| (head.to_owned(), format.to_owned()))
        };
        let split = |head: &str, format: &str| Some((head.to_owned(), format.to_owned()));
        assert_eq!(format("INSERT INTO t(a) FORMAT RowBinary"), split("INSERT INTO t(a)", "RowBinary"));
        assert_eq!(format("insert into t\nformat\nCSV ;\n"), split("insert into t", "CSV"));
        assert_eq!(format("INSERT INTO t VALUES (1)"), None);
        assert_eq!(format("INSERT INTO t(a)VALUES"), split("INSERT INTO t(a)", "Values"));
        assert_eq!(format("INSERT INTO noformat CSV"), None);
        assert_eq!(format("INSERT INTO t"), None);
    }

    #[test]
    fn only_the_plain_form_of_kill_names_an_id() {
        assert_eq!(killed_query_id("KILL QUERY WHERE query_id = 'a b'"), Some("a b".to_owned()));
        assert_eq!(killed_query_id(" kill query where query_id='x' async ;"), Some("x".to_owned()));
        assert_eq!(killed_query_id(r"KILL QUERY WHERE query_id = 'it\'s'"), Some("it's".to_owned()));
        assert_eq!(killed_query_id("KILL QUERY WHERE query_id = 'x' OR 1"), None);
        assert_eq!(killed_query_id("KILL QUERY WHERE user = 'x'"), None);
        assert_eq!(killed_query_id("SELECT 1"), None);
    }

    #[test]
    fn literals_escape_the_backslash_first() {
        assert_eq!(literal(r"a\'b"), r"'a\\\'b'");
        assert_eq!(identifier("a`b"), r"`a\`b`");
    }
}
