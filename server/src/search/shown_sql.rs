//! A compiled query as text for people: its parameters written in, its lines broken. Nothing runs this text.

use super::execute::Executor;
use crate::tenant::TenantScope;
use query_lang::sql::{Compiled, Parameter};

/// The statement, formatted by the engine; on one line while that is away.
pub(super) async fn pretty(executor: &Executor, tenant: &TenantScope, compiled: &Compiled) -> String {
    let sql = written_out(compiled);
    let formatted = Compiled {
        sql: "SELECT formatQuery({p0:String})".into(),
        parameters: vec![("p0".into(), Parameter::Text(sql.clone()))],
        columns: Vec::new(),
        ..compiled.clone()
    };
    let answer = executor.aside(tenant, formatted).await.ok();
    let text = answer.and_then(|answer| Some(answer.rows.first()?.first()?.as_str()?.to_owned()));
    text.unwrap_or(sql)
}

/// The statement with the values in the places of their references.
fn written_out(compiled: &Compiled) -> String {
    let mut text = String::with_capacity(compiled.sql.len() * 2);
    let mut rest = compiled.sql.as_str();
    while let Some((before, reference)) = rest.split_once('{') {
        text.push_str(before);
        let Some((reference, after)) = reference.split_once('}') else { break };
        let name = reference.split(':').next().unwrap_or_default();
        match compiled.parameters.iter().find(|(known, _)| known == name) {
            Some((_, value)) => text.push_str(&literal(value)),
            None => text.push_str(&format!("{{{reference}}}")),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

fn literal(value: &Parameter) -> String {
    match value {
        Parameter::Text(text) => {
            format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'").replace('\n', r"\n"))
        }
        // `attributes.` and a path: the dots inside a quoted name would mean something else.
        Parameter::Path(path) => path
            .split('.')
            .map(|part| format!("`{}`", part.replace('\\', r"\\").replace('`', r"\`")))
            .collect::<Vec<_>>()
            .join("."),
        Parameter::Integer(number) => number.to_string(),
        Parameter::Unsigned(number) => number.to_string(),
        Parameter::Float(number) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use query_lang::sql::RowShape;

    #[test]
    fn values_are_written_in_and_cannot_end_their_quotes() {
        let compiled = Compiled {
            sql: "SELECT {p0:String}, {p1:Identifier}, {p2:Int64}".into(),
            parameters: vec![
                ("p0".into(), Parameter::Text(r"it's \ {p2:Int64}".into())),
                ("p1".into(), Parameter::Path("attributes.http.status".into())),
                ("p2".into(), Parameter::Integer(-1)),
            ],
            shape: RowShape::Table,
            aliases: Vec::new(),
            columns: Vec::new(),
            keys_first: None,
            looks_elsewhere: false,
            keyset: false,
            reads: (0, 0),
            warnings: Vec::new(),
        };
        assert_eq!(written_out(&compiled), r"SELECT 'it\'s \\ {p2:Int64}', `attributes`.`http`.`status`, -1");
    }
}
