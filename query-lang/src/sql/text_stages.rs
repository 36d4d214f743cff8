//! `parse`, `extract`, `unpack` and `expand`: columns and rows out of what is inside a field.

use super::compiler::Compiler;
use super::function::unified;
use super::rows::{Rows, Unpacked};
use super::select::Source;
use super::text::{Sql, sql};
use super::value::{Repr, Value, is_array};
use super::words::push_literal;
use crate::ast::{Field, ParsePart, UnpackFormat};

/// A column that comes out of a regular expression: its name, the number of its group, whether it is a number.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    pub name: String,
    pub group: usize,
    pub number: bool,
}

/// A `parse` pattern as a regular expression: the shortest runs, the last one up to the end.
pub(crate) fn parse_regex(parts: &[ParsePart]) -> String {
    let mut regex = String::from("(?s)");
    for (index, part) in parts.iter().enumerate() {
        let run = if index + 1 == parts.len() { ".*" } else { ".*?" };
        match part {
            ParsePart::Text(text) => text.chars().for_each(|character| push_literal(&mut regex, character)),
            ParsePart::Capture { .. } => regex.push_str(&format!("({run})")),
            ParsePart::Skip => regex.push_str(run),
        }
    }
    regex
}

pub(crate) fn parse_captures(parts: &[ParsePart]) -> Vec<Capture> {
    let named = parts.iter().filter_map(|part| match part {
        ParsePart::Capture { name, number } => Some((name.clone(), *number)),
        _ => None,
    });
    named.enumerate().map(|(index, (name, number))| Capture { name, group: index + 1, number }).collect()
}

/// The named groups of a regular expression, by their numbers among all groups.
pub(crate) fn named_captures(pattern: &str) -> Vec<Capture> {
    let Ok(regex) = crate::re2::compile(pattern) else { return Vec::new() };
    let named = regex.capture_names().enumerate().filter_map(|(group, name)| Some((group, name?.to_owned())));
    named.map(|(group, name)| Capture { name, group, number: false }).collect()
}

impl Rows {
    /// Columns keep what they were where the expression does not match.
    pub(super) fn capture(
        &mut self,
        field: &Field,
        regex: &str,
        captures: &[Capture],
        compiler: &mut Compiler,
    ) {
        self.open();
        let text = self.field(field, compiler).text();
        let regex = compiler.parameters.text(regex);
        let groups = sql!(
            "arrayMap(t -> if(isNull(t), emptyArrayString(), extractGroups(ifNull(t, ''), {})), [{}])[1]",
            regex,
            text
        );
        let groups = self.compute(Value::new(groups, Repr::Array), compiler);
        self.wrap();
        let groups = self.value(&groups, compiler).sql;
        for capture in captures {
            let former = self.place_of_name(&capture.name);
            let former = self.value(&former, compiler);
            let group = compiler.parameters.unsigned(capture.group as u64);
            let found = Value::new(sql!("toNullable({}[{}])", groups, group), Repr::Text);
            let found = if capture.number { Value::new(found.number(), Repr::Number) } else { found };
            let (values, repr) = unified(&[former, found]);
            let [former, found] = values.as_slice() else { continue };
            let value = Value::new(sql!("if(empty({}), {}, {})", groups, former, found), repr);
            let place = self.compute(value, compiler);
            self.name(&capture.name, place);
        }
        self.wrap();
    }

    /// From here on names come out of the text first.
    pub(super) fn unpack(
        &mut self,
        format: UnpackFormat,
        field: &Field,
        prefix: &str,
        compiler: &mut Compiler,
    ) {
        self.open();
        let text = sql!("ifNull({}, '')", self.field(field, compiler).text());
        let parsed = match format {
            UnpackFormat::Json => sql!(
                "arrayMap(t -> CAST(if(isValidJSON(t) AND JSONType(t) = 'Object', t, '{}'), 'JSON'), [{}])[1]",
                Sql::new("{}"),
                text
            ),
            UnpackFormat::Logfmt => sql!("extractKeyValuePairsWithEscaping({}, '=', ' \\n\\t', '\"')", text),
        };
        let Source::Computed(id) = self.select.compute(parsed, compiler) else { return };
        self.wrap();
        self.unpacked.push(Unpacked { id, format, prefix: prefix.to_owned() });
    }

    /// One row for each element of an array; everything else stays one row.
    pub(super) fn expand(&mut self, field: &Field, compiler: &mut Compiler) {
        self.wrap();
        let value = self.field(field, compiler);
        let array = match value.repr {
            Repr::Array => value.sql.clone(),
            Repr::Dynamic => sql!(
                "if({}, JSONExtract(ifNull(toJSONString({}), '[]'), 'Array(Dynamic)'), [{}])",
                is_array(&value.sql),
                value.sql,
                value.sql
            ),
            _ => sql!("[{}]", value.cell().sql),
        };
        let repr = if value.repr == Repr::Array { Repr::Text } else { value.cell().repr };
        let element = compiler.next_alias();
        self.select.array_join = Some(sql!("{} AS {}", array, element));
        let place = self.compute(Value::new(sql!("{}", element), repr), compiler);
        self.name(&field.path, place);
        self.wrap();
    }
}
